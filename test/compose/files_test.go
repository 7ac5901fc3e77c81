package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDockerfiles(t *testing.T) {
	tests := []struct {
		file           string
		want, unwanted []string // regular expressions
	}{
		{
			file: "Dockerfile",
			want: []string{
				`GOTOOLCHAIN=local`, `CGO_ENABLED=0`, `go build -trimpath -buildvcs=false`, `-ldflags "-s -w `,
				`(?m)^FROM scratch$`, `(?m)^USER [1-9]\d*:[1-9]\d*$`, `HEALTHCHECK --interval=10s .*CMD \["/superheroes", "health"\]`,
			},
		},
		{
			file:     "k6-image/Dockerfile",
			want:     []string{`GOTOOLCHAIN=local`, `go install -trimpath`, `K6_NO_USAGE_REPORT=true`},
			unwanted: []string{`curl|wget`},
		},
	}
	everywhere := []string{`(?m)^# *syntax=`, `<<`, `--link`, `:latest`, `(?m)^FROM \S*golang:\d+\.\d+-`}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			text := readFile(t, test.file)
			for _, want := range append(test.want, fromGo.String()) {
				if !regexp.MustCompile(want).MatchString(text) {
					t.Errorf("%s is missing", want)
				}
			}
			for _, unwanted := range append(test.unwanted, everywhere...) {
				if found := regexp.MustCompile(unwanted).FindString(text); found != "" {
					t.Errorf("%q is not portable to other engines and builders, or not pinned", found)
				}
			}
		})
	}
}

func TestVersionsAgree(t *testing.T) {
	version := func(file, pattern string) string {
		found := regexp.MustCompile(pattern).FindStringSubmatch(readFile(t, file))
		if found == nil {
			t.Fatalf("%s has no %s", file, pattern)
		}
		return found[1]
	}
	if ours, load := version("Dockerfile", `golang:(\S+)`), version("k6-image/Dockerfile", `golang:(\S+)`); ours != load {
		t.Errorf("the two Dockerfiles use different Go versions, %s and %s", ours, load)
	}
	if image, tool := version("k6-image/Dockerfile", `go\.k6\.io/k6@(\S+)`), version("tools/k6/go.mod", `go\.k6\.io/k6 (\S+)`); image != tool {
		t.Errorf("the k6 versions differ: %s in k6-image, %s in tools", image, tool)
	}
	for _, c := range []struct{ image, tool, module string }{
		{`prom/prometheus:v`, "prometheus", `prometheus/prometheus v0\.`}, // v0.316.0 is the module of 3.16.0
		{`prom/alertmanager:v`, "alertmanager", `prometheus/alertmanager v`},
		{`otel/opentelemetry-collector:`, "collector", `collector/otelcol v`},
	} {
		image := strings.ReplaceAll(version("compose.observability.yml", c.image+`(\S+)`), ".", "")
		if tested := strings.ReplaceAll(version("tools/"+c.tool+"/go.mod", c.module+`(\S+)`), ".", ""); image != tested {
			t.Errorf("compose.observability.yml has another version of %s than tools: %s and %s", c.tool, image, tested)
		}
	}
	if rules, tool := version("deploy/go.mod", `prometheus/prometheus (\S+)`), version("tools/prometheus/go.mod", `prometheus/prometheus (\S+)`); rules != tool {
		t.Errorf("the queries are parsed with Prometheus %s, but run with %s", rules, tool)
	}
	if minor, image := version("go.mod", `(?m)^go (\d+\.\d+)`), version("Dockerfile", `golang:(\d+\.\d+)`); minor != image {
		t.Errorf("go.mod requires Go %s, but the image has %s", minor, image)
	}
}

// TestBuildContextHasEveryPackage checks that the Docker build context contains all source files of the binary.
func TestBuildContextHasEveryPackage(t *testing.T) {
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./cmd/superheroes")
	command.Dir = repository
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	ignored := strings.Split(readFile(t, ".dockerignore"), "\n")
	for name := range strings.FieldsSeq(string(output)) {
		folder, isOurs := strings.CutPrefix(name, "superheroes/")
		if !isOurs {
			continue
		}
		folder, _, _ = strings.Cut(folder, "/")
		if !slices.Contains(ignored, "!"+folder) || !slices.Contains(sources(), folder) {
			t.Errorf("package %s: .dockerignore or sources() excludes the folder %s", name, folder)
		}
	}
}

func TestCompose(t *testing.T) {
	compose, err := readYAML(readFile(t, "compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	all := compose["services"].(map[string]any)
	want := map[string]string{ // image and published ports of each service
		"heroes-db": "postgres:16 5432:5432", "villains-db": "postgres:16 5433:5432", "locations-db": "mariadb:11.5 3306:3306",
		"fights-db": "mongo:7.0 27017:27017", "heroes": "superheroes-go 8001:8000", "villains": "superheroes-go 8002:8000",
		"locations": "superheroes-go 8003:8000", "fights": "superheroes-go 8004:8000", "statistics": "superheroes-go 8005:8000", "arena": "superheroes-go 8000:8000", "k6": "superheroes-k6",
	}
	if len(all) != len(want) {
		t.Errorf("%d services, want %d", len(all), len(want))
	}
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			service := all[name].(map[string]any)
			got := fmt.Sprint(service["image"])
			ports, _ := service["ports"].([]any)
			for _, port := range ports {
				onLoopback, found := strings.CutPrefix(port.(string), "127.0.0.1:")
				if !found {
					t.Errorf("port %v is not published on loopback only", port)
				}
				got += " " + onLoopback
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if service["mem_limit"] == nil || service["restart"] == nil {
				t.Error("the service lacks a memory limit or a restart policy")
			}
			health, _ := service["healthcheck"].(map[string]any)
			if service["image"] != serviceImage && health["interval"] != "10s" {
				t.Error("the service has no health check with an interval of 10 s")
			}
			environment, _ := service["environment"].(map[string]any)
			if service["image"] == serviceImage && (environment["PROFILE"] != "strict" || environment["GOMAXPROCS"] != "1" || environment["TIMER_SLACK"] != "10ms") {
				t.Errorf("the environment is %v, want the strict profile on one core, with timer slack", environment)
			}
			if service["depends_on"] == nil && !strings.HasSuffix(name, "-db") {
				t.Error("it has no dependencies")
			}
		})
	}
}

// TestObservabilityCompose checks that compose.observability.yml adds to services that exist, pins and bounds its own, and
// mounts files that exist.
func TestObservabilityCompose(t *testing.T) {
	services := func(name string) map[string]any {
		compose, err := readYAML(readFile(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return compose["services"].(map[string]any)
	}
	system := services("compose.yml")
	tools := 0
	for name, value := range services("compose.observability.yml") {
		service := value.(map[string]any)
		if service["image"] == nil {
			if system[name] == nil {
				t.Errorf("compose.yml has no service %s", name)
			}
			continue
		}
		tools++
		if !regexp.MustCompile(`:v?\d+\.\d+\.\d+$`).MatchString(service["image"].(string)) || service["mem_limit"] == nil || service["restart"] == nil {
			t.Errorf("%s lacks a version, a memory limit or a restart policy", name)
		}
		ports, _ := service["ports"].([]any)
		for _, port := range ports {
			if !strings.HasPrefix(port.(string), "127.0.0.1:") {
				t.Errorf("%s: port %v is not published on loopback only", name, port)
			}
		}
		volumes, _ := service["volumes"].([]any)
		for _, volume := range volumes {
			file, options, mounted := strings.Cut(volume.(string), ":/")
			if !mounted || !strings.HasPrefix(file, "./") { // a named volume
				continue
			}
			if _, err := os.Stat(filepath.Join(repository, file)); err != nil || !strings.HasSuffix(options, ":ro") {
				t.Errorf("%s: %v is not a read-only mount of a file in the repository: %v", name, volume, err)
			}
		}
	}
	if tools != 5 {
		t.Errorf("%d services of its own, want 5", tools)
	}
}
