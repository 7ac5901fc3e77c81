package measure

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// ServeFloor is the floor: a bare net/http handler that writes the same JSON of size bytes to whoever asks. It says on
// out where it listens, and ends when in does, so that it outlives nobody.
func ServeFloor(size int, in io.Reader, out io.Writer) error {
	size = max(size, leastFloor)
	body := []byte(floorBegin + strings.Repeat("x", size-len(floorBegin)-len(floorEnd)) + floorEnd)
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(body) // a client that is gone needs no answer
	})}
	fmt.Fprintf(out, "http://%s\n", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, in) // whatever ends it
		_ = server.Close()             // there is nothing to lose
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

const (
	floorBegin, floorEnd = `{"floor":"`, `"}`
	leastFloor           = len(floorBegin) + len(floorEnd)
)

// floorName is what reports call it.
const floorName = "floor"

// Floor is a running floor.
type Floor struct {
	Target  Target
	size    int // that its answers must have
	command *exec.Cmd
	in      io.Closer
}

// StartFloor runs the command, whose process is to call ServeFloor with its standard input and output, and waits until it
// serves. Stop ends it.
func StartFloor(command *exec.Cmd) (*Floor, error) {
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting the floor: %w", err)
	}
	floor := &Floor{command: command, in: in}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		floor.Stop()
		return nil, fmt.Errorf("starting the floor: %w", err)
	}
	floor.Target = Target{Name: floorName, URLs: map[Service]string{"": strings.TrimSpace(line)}, PIDs: []int{command.Process.Pid}}
	return floor, nil
}

// mix returns what iterations on the floor do: one request, whose answer must be of the right size.
func (f *Floor) mix() Mix {
	check := func(body []byte) error {
		if len(body) != f.size {
			return wrong("%d bytes from the floor, not %d", len(body), f.size)
		}
		return nil
	}
	return Mix{"floor", []action{{"floor", Fights, false, single(Fights, "/", check)}}}
}

// Stop ends it. How it ends doesn't matter: an interrupt from the terminal may reach it too.
func (f *Floor) Stop() {
	_ = f.in.Close()
	_ = f.command.Wait()
}
