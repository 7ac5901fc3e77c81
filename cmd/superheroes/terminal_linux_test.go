package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"superheroes/internal/timerslack"
)

// openTerminal opens a pseudoterminal: the end that a user would type at, and the end that a program uses.
func openTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = user.Close() })
	number, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return user, program
}

// Messages have colors on a terminal, unless the user doesn't want them.
func TestColors(t *testing.T) {
	ready := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer ready.Close()
	addr := ready.Listener.Addr().String()
	const plain, colored = " is ready", " is \x1b[32mready\x1b[0m"
	for _, c := range []struct{ term, noColor, health, usage string }{
		{"xterm-256color", "", colored, "\x1b[1;31msuperheroes:\x1b[0m unknown command"},
		{"xterm-256color", "1", plain, "superheroes: unknown command"},
		{"dumb", "", plain, "superheroes: unknown command"},
		{"", "", plain, "superheroes: unknown command"},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColor)
		user, terminal := openTerminal(t)
		run([]string{"health", "--addr=" + addr}, terminal, terminal, func(timerslack.Config) {})
		run([]string{"nonsense"}, terminal, terminal, func(timerslack.Config) {})
		lines := bufio.NewScanner(user)
		for _, want := range []string{addr + c.health, c.usage} {
			if lines.Scan(); !strings.HasPrefix(lines.Text(), want) {
				t.Errorf("TERM=%s NO_COLOR=%s: got %q, want %q", c.term, c.noColor, lines.Text(), want)
			}
		}
	}
}
