package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func readYAML(text string) (document map[string]any, err error) {
	err = yaml.Unmarshal([]byte(text), &document)
	return document, err
}

// scenarioFaults returns an error for each part of a scenario that the Green Metrics Tool would reject, or that would
// fail when run. File names in the scenario are relative to root.
func scenarioFaults(root, text string) []string {
	scenario, err := readYAML(text)
	if err != nil {
		return []string{err.Error()}
	}
	c := &scenarioCheck{root: root, tagged: strings.Contains(text, "\ncompose-file: !include ")}
	included, err := c.include(scenario)
	if err != nil {
		return []string{err.Error()}
	}
	c.top(scenario)
	c.services(included, scenario["ignore-unsupported-compose"] == true)
	c.flow(scenario, included)
	return c.faults
}

type scenarioCheck struct {
	root   string
	tagged bool // whether the key compose-file has the tag !include; the YAML decoder drops this tag
	faults []string
}

func (c *scenarioCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// include returns the services in the compose file, after applying the scenario's overrides in the same way as the
// Green Metrics Tool.
func (c *scenarioCheck) include(scenario map[string]any) (map[string]any, error) {
	file, _ := scenario["compose-file"].(string)
	if !c.tagged || file != filepath.Base(file) || !strings.HasSuffix(file, ".yml") {
		return nil, fmt.Errorf("compose-file: %q is not !include FILE.yml in the same folder", file)
	}
	text, err := os.ReadFile(filepath.Join(c.root, file))
	if err != nil {
		return nil, err
	}
	compose, err := readYAML(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	all := compose["services"].(map[string]any)
	over, _ := scenario["services"].(map[string]any)
	for name, changes := range over {
		service, there := all[name].(map[string]any)
		if !there {
			return nil, fmt.Errorf("services: %s is not in %s", file, name)
		}
		if changes == nil { // the Green Metrics Tool omits an empty service
			delete(all, name)
			continue
		}
		maps.Copy(service, changes.(map[string]any))
	}
	return all, nil
}

func (c *scenarioCheck) top(scenario map[string]any) {
	for _, key := range []string{"name", "author", "description"} {
		if text, _ := scenario[key].(string); strings.TrimSpace(text) == "" {
			c.fault("%s is missing or empty", key)
		}
	}
	c.sci(scenario)
	known := []string{"name", "author", "description", "flow", "services", "networks", "volumes", "custom_metrics",
		"sci", "architecture", "compose-file", "ignore-unsupported-compose"}
	for key := range scenario {
		if !slices.Contains(known, key) {
			c.fault("%s is not a key that the tool supports", key)
		}
	}
}

// sciMetric is the name of the metric that reports R, the number of functional units. Unless a metric has its own
// regex, the Green Metrics Tool parses "<time> <metric>=<count>" with at least 16 digits for the time; see
// lib/scenario_runner.py in green-coding-solutions/green-metrics-tool.
const sciMetric = "GMT_SCI_R"

// sci checks that the scenario reports R, the number of functional units, twice: as a custom metric, and in the format
// for versions of the Green Metrics Tool before April 2026.
func (c *scenarioCheck) sci(scenario map[string]any) {
	metrics, _ := scenario["custom_metrics"].(map[string]any)
	metric, _ := metrics[sciMetric].(map[string]any)
	if metric["sci"] != true {
		c.fault("custom_metrics has no %s with sci: true, so the tool would not report the carbon emissions per fight", sciMetric)
	}
	if unit, _ := metric["unit"].(string); strings.TrimSpace(unit) == "" {
		c.fault("custom_metrics: %s has no unit", sciMetric)
	}
	for key := range metric {
		if key != "unit" && key != "sci" {
			c.fault("custom_metrics: %s: k6 prints the tool's default format, so %s is superfluous", sciMetric, key)
		}
	}
	if sci, _ := scenario["sci"].(map[string]any); sci["R_d"] == nil {
		c.fault("sci has no R_d, so R would have no unit")
	}
}

// supported lists the service keys that the Green Metrics Tool supports; refused lists keys that compose.yml uses but
// the tool doesn't support.
var (
	supported = []string{"image", "build", "restart", "init", "environment", "ports", "depends_on", "mem_limit", "cpus",
		"healthcheck", "volumes", "entrypoint", "command", "networks", "labels", "container_name"}
	refused = []string{"read_only", "cap_drop", "security_opt"}
)

func (c *scenarioCheck) services(all map[string]any, ignoreUnsupported bool) {
	for name, value := range all {
		service := value.(map[string]any)
		if service["image"] == nil && service["build"] == nil {
			c.fault("%s has neither image nor build", name)
		}
		for key := range service {
			if !slices.Contains(supported, key) && (!ignoreUnsupported || !slices.Contains(refused, key)) {
				c.fault("%s: %s is refused", name, key)
			}
		}
		c.dependencies(name, service, all)
		c.volumes(name, service)
		health, _ := service["healthcheck"].(map[string]any)
		if _, isText := health["test"].(string); health != nil && !isText {
			c.fault("%s: the health check is a list, which the tool would join without quotes and run in a shell", name)
		}
		environment, isMap := service["environment"].(map[string]any)
		if service["environment"] != nil && !isMap {
			c.fault("%s: environment must be a map", name)
		}
		for key, value := range environment {
			if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(key) || value == nil {
				c.fault("%s: environment %s", name, key)
			}
		}
	}
}

func (c *scenarioCheck) dependencies(name string, service, all map[string]any) {
	needed, _ := service["depends_on"].(map[string]any)
	for other, value := range needed {
		condition := value.(map[string]any)["condition"]
		if all[other] == nil {
			c.fault("%s depends on %s, which is not a service", name, other)
		}
		if condition != "service_healthy" && condition != "service_started" {
			c.fault("%s depends on %s: %v is not a condition that the tool supports", name, other, condition)
		}
	}
}

// volumes checks that mounts need no special permissions, that is, that they mount only files in the repository,
// read-only.
func (c *scenarioCheck) volumes(name string, service map[string]any) {
	mounted, _ := service["volumes"].([]any)
	for _, volume := range mounted {
		parts := strings.Split(fmt.Sprint(volume), ":")
		if len(parts) != 3 || parts[2] != "ro" || !strings.HasPrefix(parts[0], "./") {
			c.fault("%s: the volume %v is not a read-only mount of a folder in the repository", name, volume)
			continue
		}
		if _, err := os.Stat(filepath.Join(c.root, parts[0])); err != nil {
			c.fault("%s: %v", name, err)
		}
	}
}

var (
	flowName     = regexp.MustCompile(`^[.\s0-9a-zA-Z_()-]+$`)
	installation = regexp.MustCompile(`\b(apt|apt-get|apk|dnf|yum|pip|npm|curl|wget|go install|git clone)\b`)
	commandKeys  = []string{"type", "command", "note", "detach", "shell", "ignore-errors", "log-stdout", "log-stderr",
		"read-notes-stdout", "read-sci-stdout"}
)

func (c *scenarioCheck) flow(scenario, all map[string]any) {
	steps, _ := scenario["flow"].([]any)
	if len(steps) == 0 {
		c.fault("there is no flow")
	}
	names := map[any]bool{}
	for _, value := range steps {
		step := value.(map[string]any)
		name, _ := step["name"].(string)
		if !flowName.MatchString(name) || names[name] {
			c.fault("flow %q: the name has characters that the tool rejects, or is a duplicate", name)
		}
		names[name] = true
		if all[fmt.Sprint(step["container"])] == nil {
			c.fault("flow %q: there is no container %v", name, step["container"])
		}
		commands, _ := step["commands"].([]any)
		if len(commands) == 0 {
			c.fault("flow %q has no commands", name)
		}
		for _, command := range commands {
			c.command(name, command.(map[string]any))
		}
	}
}

func (c *scenarioCheck) command(flow string, command map[string]any) {
	text, _ := command["command"].(string)
	if command["type"] != "console" || strings.TrimSpace(text) == "" {
		c.fault("flow %q: a command is empty or is not of type console", flow)
	}
	if installation.MatchString(text) {
		c.fault("flow %q installs software during the measurement: %s", flow, text)
	}
	if command["read-sci-stdout"] == true && command["log-stdout"] != true {
		c.fault("flow %q: read-sci-stdout requires log-stdout", flow)
	}
	for key := range command {
		if !slices.Contains(commandKeys, key) {
			c.fault("flow %q: %s is not a supported key in a command", flow, key)
		}
	}
}

const repository = "../.."

// TestScenarios checks that both scenarios follow the rules of the Green Metrics Tool, run only the services that all
// implementations have, use the right profile and one CPU core, and have a step for each request rate.
func TestScenarios(t *testing.T) {
	for name, profile := range map[string]string{"usage_scenario.yml": "strict", "usage_scenario_eco.yml": "eco"} {
		t.Run(name, func(t *testing.T) {
			text := readFile(t, name)
			for _, fault := range scenarioFaults(repository, text) {
				t.Error(fault)
			}
			scenario, err := readYAML(text)
			if err != nil {
				t.Fatal(err)
			}
			all, err := (&scenarioCheck{root: repository, tagged: true}).include(scenario)
			if err != nil {
				t.Fatal(err)
			}
			checkServices(t, all, profile)
			checkRates(t, scenario)
		})
	}
}

func checkServices(t *testing.T, all map[string]any, profile string) {
	t.Helper()
	for _, extra := range []string{"statistics", "arena"} {
		if all[extra] != nil {
			t.Errorf("the scenario runs %s, a service that other implementations don't have", extra)
		}
	}
	for _, service := range []string{"heroes", "villains", "locations", "fights"} {
		environment, _ := all[service].(map[string]any)["environment"].(map[string]any)
		if environment["PROFILE"] != profile || environment["ADDR"] != ":8000" || environment["GOMAXPROCS"] != "1" || environment["TIMER_SLACK"] != "10ms" {
			t.Errorf("the environment of %s is %v, want the %s profile on one core, with timer slack", service, environment, profile)
		}
		if token, set := environment["ADMIN_TOKEN"]; !set || token != "" {
			t.Errorf("ADMIN_TOKEN of %s is %v, want an empty value", service, token)
		}
	}
}

func checkRates(t *testing.T, scenario map[string]any) {
	t.Helper()
	var rates []string
	for _, value := range scenario["flow"].([]any) {
		for _, command := range value.(map[string]any)["commands"].([]any) {
			command := command.(map[string]any)
			_, rest, _ := strings.Cut(command["command"].(string), "RAMPING_RATE=")
			rate, _, _ := strings.Cut(rest, " ")
			rates = append(rates, rate)
			if command["read-sci-stdout"] != true {
				t.Errorf("the step for rate %s doesn't set read-sci-stdout", rate)
			}
		}
	}
	if want := []string{"1", "10", "50", "75", "100"}; !slices.Equal(rates, want) {
		t.Errorf("rates %v, want %v", rates, want)
	}
}
