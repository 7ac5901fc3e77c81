package statistics_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"superheroes/internal/statistics"
	"superheroes/internal/statistics/statisticstest"
	"superheroes/internal/storage"
)

// As long as there are no fights and no requests, a counter that relies on Wake stays idle, and a polling counter polls
// less and less often.
func TestIdle(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	log := slog.New(slog.DiscardHandler)
	woken, looking := &statisticstest.Fake{}, &statisticstest.Fake{}
	const short = 10 * time.Millisecond
	pace := statistics.Pace{Watched: short, Alone: short, Look: short, Rest: time.Hour, Looks: 4}
	first := statistics.NewService(woken, statistics.Woken(), log)
	second := statistics.NewService(looking, pace, log)
	for woken.Steps.Load() < 1 || looking.Steps.Load() < 4 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	if n := woken.Steps.Load(); n != 1 {
		t.Errorf("the idle counter took %d steps, want only the first one", n)
	}
	if n := looking.Steps.Load(); n != 4 {
		t.Errorf("the idle counter polled %d times, want 4 times before the pause", n)
	}
	first.Close()
	second.Close()
}

func TestAppendJSON(t *testing.T) {
	for want, s := range map[string]statistics.Statistics{
		`{"total":3,"heroes":1,"villains":2,"since":null,"top_winners":[],"locations":[]}`:                {Total: 3, Heroes: 1, Villains: 2},
		`{"total":7,"heroes":1,"villains":2,"unreadable":4,"since":null,"top_winners":[],"locations":[]}`: {Total: 7, Heroes: 1, Villains: 2},
	} {
		if got := string(s.AppendJSON(nil)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// slow is a store in which counting takes a while, and has to start all over if it is cut off.
type slow struct {
	statisticstest.Fake
	takes time.Duration
}

func (s *slow) Count(ctx context.Context) (statistics.Progress, error) {
	select {
	case <-time.After(s.takes):
		return s.Fake.Count(ctx)
	case <-ctx.Done():
		return statistics.Progress{}, ctx.Err()
	}
}

// Fights are counted even if counting takes longer than a step usually may, and the server rolls back a step that is
// cut off.
func TestSlowCounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slow{takes: time.Minute}
		store.Stored.Store(3)
		service := statistics.NewService(store, statistics.Woken(), slog.New(slog.DiscardHandler))
		defer service.Close()
		time.Sleep(5 * time.Minute)
		if store.Steps.Load() == 0 {
			t.Error("no step of a minute succeeded within five minutes")
		}
	})
}

// spoiled is a store in which every fight is unreadable.
type spoiled struct{ statisticstest.Fake }

func (s *spoiled) Count(ctx context.Context) (statistics.Progress, error) {
	progress, err := s.Fake.Count(ctx)
	for i := range progress.Counted {
		id := fmt.Sprint(progress.Version - int64(i))
		row := &storage.RowError{What: "fight", ID: id, Err: errors.New("hero.name is missing")}
		progress.Unreadable = append(progress.Unreadable, row)
	}
	return progress, err
}

// The log names every unreadable fight.
func TestUnreadableIsLogged(t *testing.T) {
	text := new(strings.Builder)
	store := &spoiled{}
	store.Stored.Store(2)
	service := statistics.NewService(store, statistics.Woken(), slog.New(slog.NewTextHandler(text, nil)))
	if _, err := service.Current(t.Context()); err != nil {
		t.Fatal(err)
	}
	service.Close()
	const first = `fight 1 can't be read; it is counted as unreadable" cause="hero.name is missing"`
	if got := text.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, first) || !strings.Contains(got, "fight 2 ") {
		t.Errorf("got %s", got)
	}
}
