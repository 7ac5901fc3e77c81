package timerslack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// requested is the environment variable that makes this test binary raise its slack, report the result, and exit.
const requested = "RAISE"

func TestMain(m *testing.M) {
	slack := os.Getenv(requested)
	if slack == "" {
		os.Exit(m.Run())
	}
	d, err := time.ParseDuration(slack)
	if err != nil {
		panic(err)
	}
	fmt.Println("begins")
	Config{TimerSlack: d}.Raise()
	name, _ := os.ReadFile("/proc/self/comm")
	fmt.Println("is", strings.TrimSpace(string(name)), os.Args[1:])
	threads, _ := filepath.Glob("/proc/self/task/*")
	for _, thread := range threads {
		value, err := os.ReadFile(filepath.Join("/proc", filepath.Base(thread), "timerslack_ns"))
		if err != nil {
			value = []byte("hidden")
		}
		fmt.Println("slack", strings.TrimSpace(string(value)))
	}
}

// slack returns the timer slack of this thread. It skips the test on platforms without timer slack.
func slack(t *testing.T) time.Duration {
	t.Helper()
	has, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		t.Skipf("timer slack is not supported here: %v", err)
	}
	return time.Duration(has)
}

func TestRaise(t *testing.T) {
	had := slack(t)
	more := had + time.Millisecond
	for _, test := range []struct {
		name   string
		slack  time.Duration
		env    []string
		begins int // expected number of times that main starts
		want   time.Duration
	}{
		{"raised by re-executing", more, nil, 2, more},
		{"off", 0, nil, 1, had},
		{"less than the current slack", had / 2, nil, 1, had},
		{"never twice", more, []string{restarted + "=1"}, 1, had},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := exec.Command(os.Args[0], "an argument")
			command.Env = append(append(os.Environ(), requested+"="+test.slack.String()), test.env...)
			out, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			said := string(out)
			if n := strings.Count(said, "begins\n"); n != test.begins {
				t.Errorf("main started %d times, want %d", n, test.begins)
			}
			name := filepath.Base(os.Args[0])
			if is := "is " + name[:min(len(name), 15)] + " [an argument]\n"; !strings.Contains(said, is) {
				t.Errorf("got %q, want %q", said, is)
			}
			if strings.Contains(said, "slack hidden") {
				t.Skip("reading the slack of other threads requires CAP_SYS_NICE")
			}
			threads, raised := strings.Count(said, "slack "), strings.Count(said, fmt.Sprintf("slack %d\n", test.want))
			if threads < 2 || raised != threads {
				t.Errorf("%d of %d threads have %s of slack, want all, including the monitor thread: %s", raised, threads, test.want, said)
			}
		})
	}
}

// The thread whose slack is raised is the one that calls exec, however busy other threads are; if exec fails, its
// original slack is restored.
func TestRaiseKeepsItsThread(t *testing.T) {
	had := slack(t)
	want := had + time.Millisecond
	t.Setenv(restarted, "")
	others := make(chan struct{})
	var thread int
	Config{TimerSlack: want}.raise(func(string, []string, []string) error {
		thread = unix.Gettid()
		for range 100 {
			taken := make(chan struct{})
			go func() { // would take over this thread if this goroutine weren't locked to it
				runtime.LockOSThread()
				close(taken)
				<-others
			}()
			<-taken
			if now := unix.Gettid(); now != thread || slack(t) != want {
				t.Errorf("running on thread %d with slack %s, but thread %d was given %s", now, slack(t), thread, want)
				break
			}
		}
		return unix.EPERM
	})
	close(others)
	value, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", thread))
	if now := strings.TrimSpace(string(value)); err == nil && now != fmt.Sprint(had.Nanoseconds()) {
		t.Errorf("the thread continues with a slack of %s ns, want the original %s", now, had)
	}
}
