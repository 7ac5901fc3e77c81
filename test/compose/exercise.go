package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"superheroes/database"
	"superheroes/test/shell"
	"superheroes/test/steps"
)

// exerciseCommand is an argument for this program, which then runs only the steps that use the system.
const exerciseCommand = "exercise"

// grace is how long Docker waits for a container to stop before killing it.
const grace = 10 * time.Second

// services returns the names of the services, ordered by port.
func services() []string { return []string{"heroes", "villains", "locations", "fights", "statistics"} }

// exercise runs the steps that use the system. The working directory must be the module's root, and the ports published
// by the Docker engine must be reachable on loopback.
func exercise(ctx context.Context) {
	out := steps.NewTally(os.Stdout)
	if os.Getenv("ADMIN_TOKEN") == "" { // token for the services and for the contract suite's edits
		_ = os.Setenv("ADMIN_TOKEN", "compose-test")
	}
	docker := docker{program: clientProgram()}
	if os.Getenv("DOCKER_CONFIG") == "" { // the Docker engine was already running
		docker.program = "docker"
	}
	for _, file := range []struct {
		name  string
		steps func(project) []steps.Step
	}{{"compose.yml", fourServices}, {"compose.embedded.yml", oneContainer}} {
		p := project{docker, file.name, fmt.Sprintf("superheroes-test-%d", os.Getpid())}
		before := out.Failed()
		out.All(ctx, append([]steps.Step{steps.Gate(file.name+": docker compose config", p.check)}, file.steps(p)...))
		if out.Failed() > before {
			out.Note("%s", p.logs(context.WithoutCancel(ctx)))
		}
		out.One(context.WithoutCancel(ctx), steps.Check(file.name+": docker compose down -v removes everything", p.down))
	}
}

// project is a compose file that runs under a unique project name, so that other projects aren't affected.
type project struct {
	docker docker
	file   string
	name   string
}

// compose runs docker compose.
func (p project) compose(ctx context.Context, args ...string) (string, error) {
	return p.docker.output(ctx, append([]string{"compose", "--file", p.file, "--project-name", p.name}, args...)...)
}

func (p project) check(ctx context.Context) (string, error) {
	return p.compose(ctx, "config", "--quiet")
}

// up starts the given services, or all services if none are given, and waits until they are healthy. The images must
// already exist.
func (p project) up(ctx context.Context, names ...string) (string, error) {
	_, err := p.compose(ctx, append([]string{"up", "--detach", "--wait", "--no-build", "--pull", "never"}, names...)...)
	return "", err
}

func (p project) logs(ctx context.Context) string {
	logs, err := p.compose(ctx, "logs", "--no-color", "--tail", "15")
	if err != nil {
		return err.Error()
	}
	return logs
}

// inspect returns the formatted output of docker inspect for a service's container.
func (p project) inspect(ctx context.Context, service, format string) (string, error) {
	container, err := p.compose(ctx, "ps", "--all", "--quiet", service)
	if err != nil {
		return "", err
	}
	return p.docker.output(ctx, "inspect", "--format", format, container)
}

func (p project) down(ctx context.Context) (string, error) {
	if _, err := p.compose(ctx, "down", "--volumes"); err != nil {
		return "", err
	}
	filter := "label=com.docker.compose.project=" + p.name
	for _, list := range [][]string{{"ps", "--all", "--quiet"}, {"volume", "ls", "--quiet"}, {"network", "ls", "--quiet"}} {
		left, err := p.docker.output(ctx, append(list, "--filter", filter)...)
		if err != nil {
			return "", err
		}
		if left != "" {
			return "", fmt.Errorf("docker %s: %s", list[0], left)
		}
	}
	return "", nil
}

// fourServices returns the steps for compose.yml.
func fourServices(p project) []steps.Step {
	return []steps.Step{
		steps.Gate("up --wait: all services are healthy", func(ctx context.Context) (string, error) { return p.up(ctx) }),
		steps.Check("read-only root, no capabilities, unprivileged user", p.checkConfinement),
		steps.Check("the databases contain exactly the bundled roster", checkRoster),
		steps.Check("a fight is acknowledged and stored", checkFight),
		steps.Check("the battle page loads and executes a fight", checkArena),
		steps.Check("contract suite", contractSuite),
		steps.Check("k6 at 10 fights per second, as docs/containers.md describes", p.load),
		steps.Check("statistics match the stored fights, both directly and through the battle page's port", checkCounted),
		steps.Check("without its database, a service is alive but not ready; it recovers without a restart", p.loseDatabase),
		steps.Check("a service under load stops within Docker's 10 s", p.stopUnderLoad),
		steps.Check("local development: a service on the host uses a database in compose", p.developLocally),
	}
}

// oneContainer returns the steps for compose.embedded.yml.
func oneContainer(p project) []steps.Step {
	return []steps.Step{
		steps.Gate("up --wait: healthy", func(ctx context.Context) (string, error) { return p.up(ctx) }),
		steps.Check("the embedded store contains exactly the bundled roster", checkRoster),
		steps.Check("a fight is acknowledged and stored", checkFight),
		steps.Check("the battle page loads and executes a fight", checkArena),
		steps.Check("contract suite on the embedded store", contractSuite),
		steps.Check("statistics match the stored fights, both directly and through the battle page's port", checkCounted),
		steps.Check("fights survive the container", p.outlive),
	}
}

// checkConfinement checks that the services' containers run unprivileged, with a read-only root and no capabilities.
func (p project) checkConfinement(ctx context.Context) (string, error) {
	const format = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.Config.User}}"
	for _, service := range append(services(), "arena") {
		got, err := p.inspect(ctx, service, format)
		if err != nil {
			return "", err
		}
		if got != "true [ALL] 65532:65532" {
			return "", fmt.Errorf("%s runs with %s", service, got)
		}
	}
	return "", nil
}

// checkRoster compares the entries that the services list with the roster in this repository.
func checkRoster(ctx context.Context) (string, error) {
	rosters := map[string][]byte{"heroes": database.Heroes(), "villains": database.Villains(), "locations": database.Locations()}
	for service, roster := range rosters {
		listed, err := get(ctx, base(service)+"/api/"+service)
		if err != nil {
			return "", err
		}
		want := "[" + strings.ReplaceAll(strings.TrimSpace(string(roster)), "\n", ",") + "]"
		if strings.TrimSpace(listed) != want {
			return "", fmt.Errorf("the entries of %s differ from the roster: %.200s…", service, listed)
		}
	}
	return "", nil
}

// checkFight executes a fight and reads it back.
func checkFight(ctx context.Context) (string, error) {
	id, err := executeFight(ctx, base("fights"))
	if err != nil {
		return "", err
	}
	_, err = get(ctx, base("fights")+"/api/fights/"+id)
	return "", err
}

// arenaBase is the base URL at which the battle page is published.
const arenaBase = "http://127.0.0.1:8000"

// checkArena loads the battle page and executes a fight through the arena.
func checkArena(ctx context.Context) (string, error) {
	if _, err := get(ctx, arenaBase+"/"); err != nil {
		return "", err
	}
	id, err := executeFight(ctx, arenaBase)
	if err != nil {
		return "", err
	}
	_, err = get(ctx, base("fights")+"/api/fights/"+id)
	return "", err
}

// checkCounted waits until the statistics include every stored fight exactly once, both when requested directly from
// the statistics service and when requested through the arena.
func checkCounted(ctx context.Context) (string, error) {
	stored, err := countFights(ctx)
	if err != nil {
		return "", err
	}
	want := fmt.Sprintf(`{"total":%d,`, stored)
	for _, at := range []string{base("statistics"), arenaBase} {
		says := func(status int, body string) bool { return status == http.StatusOK && strings.HasPrefix(body, want) }
		if err := eventually(ctx, at+"/api/statistics", want, says); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d fights stored and counted", stored), nil
}

// contractSuite runs the contract suite that all implementations share.
func contractSuite(ctx context.Context) (string, error) {
	suite := os.Getenv("COMPOSE_TEST_CONTRACT")
	if suite == "" {
		return "", steps.Skip("there is no conformance")
	}
	args := []string{"--arena", arenaBase}
	for _, service := range services() {
		args = append(args, "--"+service, base(service))
	}
	report, err := shell.Output(ctx, suite, args...)
	return shell.LastLines(report, 1), err
}

// load runs the load test as docs/containers.md describes.
func (p project) load(ctx context.Context) (string, error) {
	if _, err := os.Stat("k6/load.js"); err != nil {
		return "", steps.Skip("there is no k6/load.js")
	}
	if _, err := p.compose(ctx, "exec", "-T", "k6", "bash", "-c", "rm -f /results/summary_10.json"); err != nil {
		return "", err
	}
	report, err := p.compose(ctx, "exec", "-T", "k6", "k6", "run", "--quiet", "-e", "RAMPING_RATE=10", "/k6/load.js")
	if err != nil {
		return "", err
	}
	summary, err := p.compose(ctx, "exec", "-T", "k6", "cat", "/results/summary_10.json")
	if err != nil {
		return "", err
	}
	if !strings.Contains(summary, "http_req_duration") {
		return "", fmt.Errorf("summary_10.json contains no durations: %.200s", summary)
	}
	if !scienceLine.MatchString(report) {
		return "", fmt.Errorf("the output has no line for the Green Metrics Tool:\n%s", shell.LastLines(report, 10))
	}
	return strings.ReplaceAll(shell.LastLines(report, 5), "\n", "; "), nil
}

// loseDatabase kills and restarts the database of the heroes service, and checks that the service recovers without a
// restart.
func (p project) loseDatabase(ctx context.Context) (string, error) {
	before, err := p.inspect(ctx, "heroes", "{{.State.StartedAt}}")
	if err != nil {
		return "", err
	}
	if _, err := p.compose(ctx, "kill", "heroes-db"); err != nil {
		return "", err
	}
	seen, err := seeLoss(ctx)
	if err != nil {
		return "", err
	}
	if _, err := p.up(ctx, "heroes-db"); err != nil {
		return "", err
	}
	for _, url := range []string{base("heroes") + "/readyz", base("fights") + "/api/fights/execute_fight"} {
		if err := eventuallyReturns(ctx, url, http.StatusOK); err != nil {
			return "", err
		}
	}
	after, err := p.inspect(ctx, "heroes", "{{.State.StartedAt}}")
	if err == nil && after != before {
		err = errors.New("heroes was restarted")
	}
	return seen, err
}

// seeLoss checks how the services respond while the database of the heroes service is down.
func seeLoss(ctx context.Context) (string, error) {
	if err := eventuallyReturns(ctx, base("heroes")+"/readyz", http.StatusServiceUnavailable); err != nil {
		return "", err
	}
	if _, err := get(ctx, base("heroes")+"/livez"); err != nil {
		return "", err
	}
	begin := time.Now()
	status, body, err := request(ctx, base("fights")+"/api/fights/execute_fight")
	took := time.Since(begin)
	if err != nil {
		return "", err
	}
	if status < 502 || status > 504 || !strings.Contains(body, "heroes") || took > 6*time.Second {
		return "", fmt.Errorf("execute_fight returned %d after %s: %s", status, took, body)
	}
	return fmt.Sprintf("without the database, execute_fight returned %d after %.1f s", status, took.Seconds()), nil
}

// stopUnderLoad stops the fights service while requests are in flight, and checks that exactly the acknowledged
// fights are stored. Finally, stopUnderLoad stops the other services.
func (p project) stopUnderLoad(ctx context.Context) (string, error) {
	before, err := countFights(ctx)
	if err != nil {
		return "", err
	}
	running := attack(ctx, base("fights"), 4)
	time.Sleep(3 * time.Second) // so that requests are in flight when the service is stopped
	took, err := p.stop(ctx, "fights")
	acknowledged := running.stop()
	if err != nil {
		return "", err
	}
	if _, err := p.up(ctx, "fights"); err != nil {
		return "", err
	}
	after, err := countFights(ctx)
	if err != nil {
		return "", err
	}
	if len(acknowledged) == 0 || after-before != len(acknowledged) {
		return "", fmt.Errorf("%d fights acknowledged, %d stored", len(acknowledged), after-before)
	}
	for _, id := range acknowledged {
		if _, err := get(ctx, base("fights")+"/api/fights/"+id); err != nil {
			return "", fmt.Errorf("reading the acknowledged fight %s: %w", id, err)
		}
	}
	for _, service := range services() {
		if _, err := p.stop(ctx, service); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("stopped within %.1f s; %d fights acknowledged and stored", took.Seconds(), len(acknowledged)), nil
}

// stop runs `docker compose stop` for a service, and checks that the service exits in time with code 0.
func (p project) stop(ctx context.Context, service string) (time.Duration, error) {
	begin := time.Now()
	if _, err := p.compose(ctx, "stop", service); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	code, err := p.inspect(ctx, service, "{{.State.ExitCode}}")
	if err == nil && (code != "0" || took > grace) {
		err = fmt.Errorf("%s exited with code %s after %s", service, code, took)
	}
	return took, err
}

// developLocally runs the heroes service on the host, with its database in a compose container.
func (p project) developLocally(ctx context.Context) (string, error) {
	if _, err := p.up(ctx, "heroes-db", "villains-db", "locations-db", "fights-db"); err != nil {
		return "", err
	}
	heroes := exec.CommandContext(ctx, os.Getenv("COMPOSE_TEST_BINARY"), "heroes", "--drain-delay=0s")
	heroes.Env = append(os.Environ(), "DATABASE_URL=postgres://superman:superman@localhost:5432/heroes_database")
	heroes.Stderr = os.Stderr
	if err := heroes.Start(); err != nil {
		return "", err
	}
	err := eventuallyReturns(ctx, base("heroes")+"/api/heroes/random_hero", http.StatusOK)
	return "", errors.Join(err, heroes.Process.Signal(os.Interrupt), heroes.Wait())
}

// outlive removes the container, starts a new container, and checks that a stored fight still exists.
func (p project) outlive(ctx context.Context) (string, error) {
	id, err := executeFight(ctx, base("fights"))
	if err != nil {
		return "", err
	}
	if _, err := p.stop(ctx, "superheroes"); err != nil {
		return "", err
	}
	if _, err := p.compose(ctx, "rm", "--force"); err != nil {
		return "", err
	}
	if _, err := p.up(ctx); err != nil {
		return "", err
	}
	_, err = get(ctx, base("fights")+"/api/fights/"+id)
	return "", err
}

// base returns the base URL at which compose publishes a service.
func base(service string) string {
	return fmt.Sprintf("http://127.0.0.1:%d", 8001+slices.Index(services(), service))
}
