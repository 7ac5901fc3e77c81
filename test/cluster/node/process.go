package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"superheroes/test/procgroup"
	"superheroes/test/shell"
	"superheroes/test/steps"
)

// grace is how long a program may take to end before it is killed.
const grace = 20 * time.Second

// politeness is the niceness of the cluster's own programs: starting six pods at once keeps two cores busy for seconds, in
// which the databases and the load, outside of the cluster, would wait as if their machines were too small.
const politeness = "10"

// launch starts a program that runs until the node stops, and waits until ready succeeds.
func (n *Node) launch(ctx context.Context, ready func(context.Context) error, program string, args ...string) error {
	log, err := os.Create(filepath.Join(n.options.Logs, program+".log"))
	if err != nil {
		return err
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), "nice", append([]string{"-n", politeness, program}, args...)...)
	command.Stdout, command.Stderr = log, log
	procgroup.Lead(command)
	if err := errors.Join(command.Start(), log.Close()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // the log says why
		close(ended)
		cancel() // it can't get ready any more
	}()
	n.undo = append(n.undo, func() error { return end(command, ended) })
	if err := steps.Poll(ctx, patience, ready); err != nil {
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w\n%s", err, shell.LastLines(string(text), 20))
	}
	return nil
}

// end asks a program to end, and kills it if it doesn't.
func end(command *exec.Cmd, ended <-chan struct{}) error {
	_ = command.Process.Signal(syscall.SIGTERM) // fails if the program has ended already
	select {
	case <-ended:
		return nil
	case <-time.After(grace):
		procgroup.End(command)
		<-ended
		return fmt.Errorf("%s had to be killed", command.Args[3])
	}
}
