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

// ServeFloor runs the floor server: a bare net/http handler that responds to every request with the same JSON, which is
// size bytes long. The server prints its URL to out and stops when in reaches EOF, so it never outlives its parent
// process.
func ServeFloor(size int, in io.Reader, out io.Writer) error {
	size = max(size, minFloor)
	body := []byte(floorBegin + strings.Repeat("x", size-len(floorBegin)-len(floorEnd)) + floorEnd)
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handler := func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(body) // an error means that the client has disconnected
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(handler)}
	fmt.Fprintf(out, "http://%s\n", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, in) // EOF or an error: stop either way
		_ = server.Close()             // requests in progress don't matter
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

const (
	floorBegin, floorEnd = `{"floor":"`, `"}`
	minFloor             = len(floorBegin) + len(floorEnd)
)

// floorName is the name under which reports list the floor server.
const floorName = "floor"

// Floor is a running floor server: a bare handler whose figures are the baseline.
type Floor struct {
	Target  Target
	size    int // expected response size
	command *exec.Cmd
	in      io.Closer
}

// StartFloor starts the command, which must call ServeFloor with its standard input and output, and waits until the
// floor server is ready. The caller must call Stop.
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
		return nil, fmt.Errorf("starting the floor server: %w", err)
	}
	floor := &Floor{command: command, in: in}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		floor.Stop()
		return nil, fmt.Errorf("starting the floor server: %w", err)
	}
	urls := map[Service]string{"": strings.TrimSpace(line)}
	floor.Target = Target{Name: floorName, URLs: urls, PIDs: []int{command.Process.Pid}}
	return floor, nil
}

// mix returns the floor server's mix of actions: a single request, whose response must have the expected size.
func (f *Floor) mix() Mix {
	check := func(body []byte) error {
		if len(body) != f.size {
			return wrong("the floor server sent %d bytes, want %d", len(body), f.size)
		}
		return nil
	}
	return Mix{"floor", []action{{"floor", Fights, false, single("/", check)}}}
}

// Stop stops the floor server and ignores its exit status, since an interrupt from the terminal also reaches that
// process.
func (f *Floor) Stop() {
	_ = f.in.Close()
	_ = f.command.Wait()
}
