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

// scenarioFaults returns what the Green Metrics Tool would refuse in a scenario, or what would go wrong. Folders are
// relative to root.
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
	tagged bool // the compose file has the tag !include, which reading YAML drops
	faults []string
}

func (c *scenarioCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// include returns the services of the compose file with the scenario's changes applied, as the tool does.
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
			return nil, fmt.Errorf("services: %s has no %s", file, name)
		}
		if changes == nil { // the tool omits it
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
			c.fault("%s is no key that the tool knows", key)
		}
	}
}

// sciMetric is the metric whose lines hold R. Unless a metric has its own regex, the tool looks for "<time>
// <metric>=<count>" with at least 16 digits for the time: lib/scenario_runner.py of
// green-coding-solutions/green-metrics-tool.
const sciMetric = "GMT_SCI_R"

// sci requires R twice: as a custom metric, and in the form that versions of the tool before April 2026 read.
func (c *scenarioCheck) sci(scenario map[string]any) {
	metrics, _ := scenario["custom_metrics"].(map[string]any)
	metric, _ := metrics[sciMetric].(map[string]any)
	if metric["sci"] != true {
		c.fault("custom_metrics has no %s with sci: true: there would be no carbon per fight", sciMetric)
	}
	if unit, _ := metric["unit"].(string); strings.TrimSpace(unit) == "" {
		c.fault("custom_metrics: %s has no unit", sciMetric)
	}
	for key := range metric {
		if key != "unit" && key != "sci" {
			c.fault("custom_metrics: %s: k6 prints what the tool looks for without %s", sciMetric, key)
		}
	}
	if sci, _ := scenario["sci"].(map[string]any); sci["R_d"] == nil {
		c.fault("sci has no R_d: R would count nothing")
	}
}

// supported are the keys of a service that the tool supports; refused are those that we use but it doesn't support.
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
			c.fault("%s: a health check that is a list loses its quotes and is run by a shell", name)
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
			c.fault("%s depends on %s, which is none", name, other)
		}
		if condition != "service_healthy" && condition != "service_started" {
			c.fault("%s depends on %s: %v is no condition that the tool knows", name, other, condition)
		}
	}
}

// volumes requires that mounts need no special rights: files of the repository, read-only.
func (c *scenarioCheck) volumes(name string, service map[string]any) {
	mounted, _ := service["volumes"].([]any)
	for _, volume := range mounted {
		parts := strings.Split(fmt.Sprint(volume), ":")
		if len(parts) != 3 || parts[2] != "ro" || !strings.HasPrefix(parts[0], "./") {
			c.fault("%s: %v is not a folder of the repository, mounted read-only", name, volume)
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
			c.fault("flow %q: the name has other characters than the tool takes, or stands twice", name)
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
		c.fault("flow %q: a command needs type console and a command", flow)
	}
	if installation.MatchString(text) {
		c.fault("flow %q installs something while it is measured: %s", flow, text)
	}
	if command["read-sci-stdout"] == true && command["log-stdout"] != true {
		c.fault("flow %q: read-sci-stdout needs log-stdout", flow)
	}
	for key := range command {
		if !slices.Contains(commandKeys, key) {
			c.fault("flow %q: %s is no key of a command", flow, key)
		}
	}
}

const repository = "../.."

// Both scenarios keep the tool's rules, run the services that every member has, with their profile on one core, and have
// a step for each rate.
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
			t.Errorf("%s runs, which no other member has", extra)
		}
	}
	for _, service := range []string{"heroes", "villains", "locations", "fights"} {
		environment, _ := all[service].(map[string]any)["environment"].(map[string]any)
		if environment["PROFILE"] != profile || environment["ADDR"] != ":8000" || environment["GOMAXPROCS"] != "1" || environment["TIMER_SLACK"] != "1ms" {
			t.Errorf("%s runs with %v, want the profile %s on one core, with timers that may be late", service, environment, profile)
		}
		if token, set := environment["ADMIN_TOKEN"]; !set || token != "" {
			t.Errorf("%s has the administrator's token %v", service, token)
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
				t.Errorf("R is not read at a rate of %s", rate)
			}
		}
	}
	if want := []string{"1", "10", "50", "75", "100"}; !slices.Equal(rates, want) {
		t.Errorf("rates %v, want %v", rates, want)
	}
}
