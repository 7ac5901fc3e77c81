package mongodb

import (
	"context"
	"errors"
	"testing"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
)

// said names the result of an Insert in these tests.
func said(err error) string {
	switch {
	case err == nil:
		return "stored"
	case errors.Is(err, fight.ErrMaybeStored):
		return "open"
	}
	return "refused"
}

// asDocuments returns fights the way a group passes them to the store.
func asDocuments(fights []fight.Fight) (batch []fight.Document) {
	for _, f := range fights {
		batch = append(batch, fight.Document{ID: f.ID, Bytes: appendDocument(nil, f)})
	}
	return batch
}

// A batch with a fight that is stored already and a duplicate, through network faults.
func TestBatchThroughFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fates []fate // of the commands, the last one for all that follow
		says  [5]string
		kept  int // besides the one stored before
		sent  int
	}{
		{"no fault", []fate{deliver}, [5]string{"stored", "refused", "stored", "stored", "refused"}, 3, 1},
		{"cut before it was sent", []fate{cutBefore, deliver}, [5]string{"stored", "stored", "stored", "stored", "stored"}, 3, 2},
		{"cut before the response", []fate{cutAfter, deliver}, [5]string{"stored", "stored", "stored", "stored", "stored"}, 3, 2},
		{"always cut before the response", []fate{cutAfter}, [5]string{"open", "open", "open", "open", "open"}, 3, 3},
		{"always cut before it is sent", []fate{cutBefore}, [5]string{"open", "open", "open", "open", "open"}, 0, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			store, direct, p := behind(t, "", true, func(nth int) fate { return test.fates[min(nth, len(test.fates)-1)] })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			batch := fighttest.Fights(4)
			if err := direct.Insert(ctx, batch[1], batch[1].AppendJSON(nil)); err != nil {
				t.Fatal(err)
			}
			batch = append(batch, batch[2])
			for i, err := range store.write(ctx, asDocuments(batch)) {
				if says := said(err); says != test.says[i] {
					t.Errorf("document %d is %s, want %s: %v", i, says, test.says[i], err)
				}
			}
			if all := fighttest.Everything(t, direct); len(all) != 1+test.kept {
				t.Errorf("%d fights are stored, want %d", len(all), 1+test.kept)
			}
			if sent := len(p.sent()); sent != test.sent {
				t.Errorf("sent %d times, want %d", sent, test.sent)
			}
		})
	}
}
