package main

import (
	"bytes"
	"strings"
	"testing"
)

// outcome is the result of running a command line.
type outcome struct {
	code           int
	stdout, stderr string
}

// invoke runs a command line in this process.
func invoke(t *testing.T, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func TestHelp(t *testing.T) {
	for args, want := range map[string]string{
		"--help": "run report compare load overload version", "run --help": "--versus $BENCH_VERSUS execute_fight",
		"report --help": "--quick fights-32", "load --help": "--rates", "compare --help": "--members --template", "overload --help": "--factor", "version": "superheroes-bench devel",
	} {
		t.Run(args, func(t *testing.T) {
			got := invoke(t, strings.Fields(args)...)
			if got.code != exitOK || got.stderr != "" {
				t.Errorf("exit code %d, stderr %s", got.code, got.stderr)
			}
			for word := range strings.FieldsSeq(want) {
				if !strings.Contains(got.stdout, word) {
					t.Errorf("%q is missing from the output: %s", word, got.stdout)
				}
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ name, args, says string }{
		{"an unknown mix", "--mix=nonsense", "--mix, BENCH_MIX"},
		{"a mix of actions with an empty weight", "run --mix=family:", "--mix, BENCH_MIX"},
		{"an invalid target", "run --target=nonsense", "--target, BENCH_TARGET"},
		{"an invalid --versus target", "run --versus=dogs=http://localhost:1", "--versus, BENCH_VERSUS"},
		{"a rate of 0", "run --rate=1,0", "--rate, BENCH_RATE: rates must be above 0"},
		{"a non-numeric rate", "run --rate=fast", "--rate"},
		{"zero connections", "run --connections=0", "--connections, BENCH_CONNECTIONS"},
		{"zero duration", "run --duration=0s", "--duration, BENCH_DURATION"},
		{"zero request timeout", "run --timeout=0s", "--timeout, BENCH_TIMEOUT"},
		{"zero maximum wait for a connection", "run --rate=1 --max-wait=0s", "--max-wait, BENCH_MAX_WAIT"},
		{"a negative warm-up", "run --warmup=-1s", "--warmup, BENCH_WARMUP"},
		{"negative rounds", "run --rounds=-1", "--rounds, BENCH_ROUNDS"},
		{"zero idle time", "run --idle=0s", "--idle, BENCH_IDLE"},
		{"a mix that needs a service whose address isn't given", "run --mix=random_hero --target=fights=http://localhost:1", "heroes"},
		{"a folder as the report", "run --report=results", "--report, BENCH_REPORT: results must end in .html"},
		{"a report in a folder that doesn't exist", "run --report=nowhere/report.html", "nowhere is not a folder"},
		{"the PID of a process that doesn't exist", "run --target=http://localhost:1 --pid=1073741824", "1073741824"},
		{"the floor command without a response size", "floor", "<size>"},
		{"an unknown experiment", "report --only all", `unknown experiment "all"; known are scenario, family, fights-32`},
		{"an unknown flag of the report command", "report --fast", "unknown flag"},
		{"a comparison without members", "compare", "one of --members, --from and --template is required"},
		{"a comparison without rounds", "compare --members=m.json --rounds=0", "--rounds"},
		{"a members file that doesn't exist", "compare --members=nowhere.json --out=nowhere", "--members, BENCH_MEMBERS: open nowhere.json"},
		{"a load test with a rate of 0", "load --rates=10,0", "--rates"},
		{"an unknown command", "nonsense", "nonsense"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := invoke(t, strings.Fields(c.args)...)
			if got.code != exitUsage || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, c.says) {
				t.Errorf("got %+v, want one line on stderr containing %q, and exit code %d", got, c.says, exitUsage)
			}
		})
	}
	t.Run("an invalid environment variable", func(t *testing.T) {
		t.Setenv("BENCH_CONNECTIONS", "0")
		if got := invoke(t); got.code != exitUsage || !strings.Contains(got.stderr, "BENCH_CONNECTIONS") {
			t.Errorf("got %+v", got)
		}
	})
}

// TestNoPasswords checks that a URL with a password is rejected without printing the password.
func TestNoPasswords(t *testing.T) {
	for _, args := range []string{"--target=http://u:swordfish@127.0.0.1:1", "--target=name=x,fights=http://u:swordfish@127.0.0.1:1",
		"--target=http://127.0.0.1:1,count=mongodb://u:swordfish@127.0.0.1", "--target=url=http://127.0.0.1:1,count=mongodb://swordfish@/", "--count-url=http://u:swordfish@h"} {
		if got := invoke(t, "--no-floor", args); got.code != exitUsage || strings.Contains(got.stdout+got.stderr, "swordfish") {
			t.Errorf("%s: got %+v", args, got)
		}
	}
}

func TestFailingCommands(t *testing.T) {
	for args, says := range map[string]string{
		"report --from nowhere.json --out /nowhere":  "nowhere.json",
		"compare --from nowhere.json --out /nowhere": "nowhere.json",
		"run --target=http://127.0.0.1:1":            "no response from http://127.0.0.1:1",
	} {
		got := invoke(t, strings.Fields(args)...)
		if got.code != exitError || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, says) {
			t.Errorf("%s: got %+v", args, got)
		}
	}
}
