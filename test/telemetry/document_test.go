package telemetry_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"superheroes/test/await"
	"superheroes/test/engines/find"
	"superheroes/test/system"
	"superheroes/test/telemetry/tools"
)

// TestFollowAFight runs the commands with which docs/operate.md follows a fight from the click to the store, with the
// default addresses replaced by those of the running services and Jaeger.
func TestFollowAFight(t *testing.T) {
	jaeger := tools.StartJaeger(t)
	folder := t.TempDir()
	s := system.UpWith(t, system.Build(t), t.TempDir(), []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + jaeger.OTLP, "OTEL_BSP_SCHEDULE_DELAY=100", "ACCESS_LOG=true", "PROFILE=strict",
	})
	here := strings.NewReplacer("http://127.0.0.1:8000", s.Arena, "http://127.0.0.1:8004", s.Fights,
		"http://127.0.0.1:8006", s.Admin, "http://127.0.0.1:16686", jaeger.URL)
	steps := stepsOf(t)
	if len(steps) != 5 {
		t.Fatalf("there are %d steps", len(steps))
	}
	id := ""
	for i, want := range []string{`"winner_name"`, `trace_id="4bf92f3577b34da6a3ce929d0e0e4736"`, "SELECT hero by id", "execute_fight", `"winner_name"`} {
		await.True(t, steps[i], func() bool { // spans and log lines arrive after a delay
			if err := os.WriteFile(filepath.Join(folder, "superheroes.log"), []byte(s.Processes["fights"].Stderr.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			shell := exec.CommandContext(t.Context(), "sh", "-c", here.Replace(steps[i]))
			shell.Dir, shell.Env = folder, append(os.Environ(), "ID="+id)
			output, _ := shell.Output() // if the command fails, the check of its output fails too
			if found := regexp.MustCompile(`"id":"([0-9a-f-]+)"`).FindSubmatch(output); id == "" && found != nil {
				id = string(found[1])
			}
			return strings.Contains(string(output), want)
		})
	}
}

// stepsOf returns the commands in that section of docs/operate.md.
func stepsOf(t *testing.T) (commands []string) {
	t.Helper()
	module, err := find.Module(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(module, "docs", "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### Follow a fight")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, block := range strings.Split(section, "```sh\n")[1:] {
		command, _, _ := strings.Cut(block, "```")
		commands = append(commands, strings.TrimSpace(command))
	}
	return commands
}
