package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"superheroes/test/await"
	"superheroes/test/system"
)

// shells are the shells whose completion is tested. The setup loads the script, and makes Ctrl-G write the command line
// to the file $OUT.
var shells = []struct {
	name, setup string
	args        []string
}{
	{"bash", `eval "$(superheroes completion bash)"; bind -x '"\C-g": printf %s "$READLINE_LINE" >$OUT'`, []string{"--norc", "--noprofile", "-i"}},
	{"zsh", `autoload -U compinit; compinit -u -D; eval "$(superheroes completion zsh)"; ` +
		`show() { print -rn -- $BUFFER >$OUT }; zle -N show; bindkey '^G' show`, []string{"-f", "-i"}},
	{"fish", `superheroes completion fish | source; bind \cg 'commandline >$OUT'`, []string{"--no-config", "-i"}},
}

// TestShells types the beginnings of command lines into interactive shells, where Tab completes them.
func TestShells(t *testing.T) {
	program := system.Build(t)
	for _, shell := range shells {
		t.Run(shell.name, func(t *testing.T) {
			path, err := exec.LookPath(shell.name)
			if err != nil {
				t.Skip(err)
			}
			dir, out := t.TempDir(), write(t, "line", "")
			if err := os.WriteFile(filepath.Join(dir, "exists.jsonl"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			user, terminal := openTerminal(t)
			command := exec.CommandContext(t.Context(), path, shell.args...)
			command.Stdin, command.Stdout, command.Stderr, command.Dir = terminal, terminal, terminal, dir
			command.Env = []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "HOME=" + dir, "TERM=dumb", "OUT=" + out}
			command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = command.Process.Kill()
				_ = command.Wait()
			})
			go func() { _, _ = io.Copy(io.Discard, user) }() // until the terminal is closed
			line := func(keys string) (line string) {
				if _, err := io.WriteString(user, keys); err != nil {
					t.Fatal(err)
				}
				await.True(t, "the shell writes the command line", func() bool {
					text, err := os.ReadFile(out)
					line = strings.TrimSpace(string(text))
					return err == nil && line != ""
				})
				if err := os.Truncate(out, 0); err != nil {
					t.Fatal(err)
				}
				return line
			}
			line(shell.setup + "; echo ready >$OUT\n")
			for keys, want := range map[string]string{
				"superheroes hea\t":                                     "superheroes health",
				"superheroes --no-ar\t":                                 "superheroes --no-arena",
				"superheroes --profile=e\t":                             "superheroes --profile=eco",
				"superheroes heroes --database-url=sqlite:x --log-le\t": "superheroes heroes --database-url=sqlite:x --log-level",
				"superheroes fights --log-level E\t":                    "superheroes fights --log-level ERROR",
				"superheroes import vil\t":                              "superheroes import villains",
				"superheroes completion z\t":                            "superheroes completion zsh",
				"superheroes statistics reb\t":                          "superheroes statistics rebuild",
				"superheroes help ver\t":                                "superheroes help version",
				"superheroes export heroes -o exi\t":                    "superheroes export heroes -o exists.jsonl",
				"superheroes import heroes --replace exi\t":             "superheroes import heroes --replace exists.jsonl",
				"superheroes heroes --admin-token heal\t":               "superheroes heroes --admin-token heal",
			} {
				if got := line(keys + "\a"); got != want {
					t.Errorf("%q was completed to %q, want %q", keys, got, want)
				}
				if _, err := io.WriteString(user, "\x15"); err != nil { // Ctrl-U clears the line
					t.Fatal(err)
				}
			}
		})
	}
}
