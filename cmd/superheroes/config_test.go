package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "regenerate docs/configuration.md")

const regenerate = "is stale; regenerate it with: go test ./cmd/superheroes -run Configuration -update\n"

// model returns the parser's commands by name.
func model(t *testing.T) map[string]*kong.Node {
	t.Helper()
	parser, err := newParser(&commands{}, io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string]*kong.Node{}
	for _, command := range parser.Model.Children {
		commands[command.Name] = command
		for _, below := range command.Children {
			commands[command.Name+" "+below.Name] = below
		}
	}
	return commands
}

func TestEveryFlagHasVariableAndHelp(t *testing.T) {
	for name, command := range model(t) {
		variables := map[string]string{}
		for _, flag := range command.Flags {
			if flag.Help == "" {
				t.Errorf("the flag %s --%s has no help", name, flag.Name)
			}
			if len(flag.Envs) != 1 || flag.Envs[0] == "" {
				t.Errorf("%s --%s has the environment variables %q, want exactly one", name, flag.Name, flag.Envs)
				continue
			}
			if other, taken := variables[flag.Envs[0]]; taken {
				t.Errorf("%s: --%s and --%s share the variable %s", name, flag.Name, other, flag.Envs[0])
			}
			variables[flag.Envs[0]] = flag.Name
		}
	}
}

const configurationIntro = `# Configuration

Every setting has a flag and an environment variable; the flag takes precedence, and an empty variable counts as unset. A
secret (a store URL or the admin token) can also be read from a file, such as one mounted by Docker or Kubernetes, whose
path is in a variable that ends in _FILE, such as ADMIN_TOKEN_FILE; a newline at the end of the file is removed. Durations
are written as 500ms, 10s or 1m30s.

In a URL, the characters @ : / ? # and % of a user name, a password or a path must be percent-encoded (@ is %40). A URL of
MariaDB or MySQL that names a Unix socket is mysql://user:password@/database?socket=/run/mysqld/mysqld.sock; tls=true
encrypts the connection and verifies the server's certificate (with ssl-ca=FILE, against your own CA), and tls=skip-verify
encrypts without verifying. [data.md](data.md#your-own-databases) describes the parameters of PostgreSQL.

Go's own variables work, too. Unless they are set: GOMAXPROCS is the number of cores or, if it is lower, the CPU limit of the
container, rounded up to at least 2; GOMEMLIMIT is nine tenths of the memory limit of the container; and GOGC is 100 while
garbage collections are rare, and 400 while they are frequent.
<!-- This page is generated from the flags: go test ./cmd/superheroes -run Configuration -update -->
`

// sections returns the names of the commands in each section of the configuration page. Commands that share a section
// differ only in the default values of their flags.
func sections() [][]string {
	return [][]string{
		{"up"}, {"heroes", "villains"}, {"locations"}, {"fights"}, {"statistics serve"}, {"statistics rebuild"}, {"arena"},
		{"migrate"}, {"backup"}, {"import"}, {"export"}, {"seed"}, {"health"},
	}
}

func TestConfigurationPage(t *testing.T) {
	commands := model(t)
	var page strings.Builder
	page.WriteString(configurationIntro)
	for _, names := range sections() {
		together := pick(commands, names)
		fmt.Fprintf(&page, "\n## %s\n\n", strings.Join(names, ", "))
		for _, command := range together {
			fmt.Fprintf(&page, "`superheroes %s`: %s\n\n", strings.TrimSpace(command.Summary()), command.Help)
		}
		rows := settings(together)
		for _, row := range rows {
			if len(row.flags) != len(together) {
				t.Errorf("%s share a section, but do not all have the flag --%s", names, row.name)
			}
		}
		page.WriteString(table(rows))
	}
	shown := slices.Concat(sections()...)
	for name, command := range commands {
		if len(command.Flags) > 0 && !slices.Contains(shown, name) {
			t.Errorf("the configuration page does not show the flags of %s", name)
		}
	}
	checkFile(t, filepath.Join("..", "..", "docs", "configuration.md"), page.String())
}

func checkFile(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(got), want); diff != "" {
		t.Errorf("%s %s%s", filepath.Base(path), regenerate, diff)
	}
}

func pick(commands map[string]*kong.Node, names []string) []*kong.Node {
	var picked []*kong.Node
	for _, name := range names {
		picked = append(picked, commands[name])
	}
	return picked
}

// named returns the name under which a command is documented: the default command of statistics is documented under its
// parent's name.
func named(command *kong.Node) string {
	if above := command.Parent; above.Type == kong.CommandNode && above.DefaultCmd == command {
		return above.Name
	}
	return command.Name
}

// setting is a flag and the commands that accept it.
type setting struct {
	name  string
	flags []commandFlag
}

type commandFlag struct {
	command string
	*kong.Flag
}

// settings returns the commands' flags without duplicates, in the order of the commands.
func settings(commands []*kong.Node) []setting {
	var rows []setting
	for _, command := range commands {
		for _, flag := range command.Flags {
			at := slices.IndexFunc(rows, func(row setting) bool { return row.name == flag.Name })
			if at < 0 {
				at = len(rows)
				rows = append(rows, setting{name: flag.Name})
			}
			rows[at].flags = append(rows[at].flags, commandFlag{named(command), flag})
		}
	}
	return rows
}

// table returns a Markdown table of settings.
func table(rows []setting) string {
	var text strings.Builder
	text.WriteString("| flag | variable | default | meaning |\n|---|---|---|---|\n")
	for _, row := range rows {
		fmt.Fprintf(&text, "| `--%s` | %s | %s | %s |\n", row.name, row.variables(), row.defaults(), row.help())
	}
	return text.String()
}

func (s setting) variables() string {
	text := "`" + s.flags[0].Envs[0] + "`"
	if file := fileVariable(s.flags[0].Flag); file != "" {
		text += ", `" + file + "`"
	}
	return text
}

func (s setting) help() string { return strings.ReplaceAll(s.flags[0].Help, "|", `\|`) }

// defaults lists the default values of a setting. If the defaults differ, it also names the commands that each default
// applies to.
func (s setting) defaults() string {
	var values []string
	commands := map[string][]string{}
	for _, flag := range s.flags {
		value := defaultOf(flag.Flag)
		if commands[value] == nil {
			values = append(values, value)
		}
		commands[value] = append(commands[value], flag.command)
	}
	if len(values) == 1 {
		return values[0]
	}
	for i, value := range values {
		values[i] = strings.Join(commands[value], ", ") + ": " + value
	}
	return strings.Join(values, "<br>")
}

func defaultOf(flag *kong.Flag) string {
	value := flag.Default
	if flag.IsBool() {
		value = cmp.Or(value, "false")
	}
	if value == "" {
		return "none"
	}
	return "`" + value + "`"
}
