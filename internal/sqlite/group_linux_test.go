package sqlite

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
)

// call is a system call in strace's output, with the numbers of the lines in which it begins and ends. They are the
// same unless another thread's call came in between.
type call struct {
	text       string // starting with its name
	begin, end int
	failed     bool
}

// calls parses strace's output of all threads, in the order in which the calls began.
func calls(seen []string) (all []*call) {
	unfinished := map[string]*call{} // by thread
	for i, line := range seen {
		thread, text, _ := strings.Cut(line, " ")
		text = strings.TrimLeft(text, " ")
		if !strings.HasPrefix(text, "<... ") {
			unfinished[thread] = &call{text: text, begin: i}
			all = append(all, unfinished[thread])
		}
		if c := unfinished[thread]; c != nil && !strings.HasSuffix(text, "<unfinished ...>") {
			c.end, c.failed = i, strings.Contains(text, " = -1 ")
			delete(unfinished, thread)
		}
	}
	return all
}

// A group shares its syncs, and yet every acknowledgement follows a successful sync that began after its fight was
// written.
func TestGroupSyncs(t *testing.T) {
	said, seen := underStrace(t, "insert at once", filepath.Join(t.TempDir(), "fights.db"),
		"-s", "20000", "-e", "trace=fsync,fdatasync,write,pwrite64")
	const want = atOnce * insertions
	idOf := regexp.MustCompile(`\\"id\\":\\"([-0-9a-f]{36})\\",\\"fight_date`)
	written, acknowledged := map[string]*call{}, map[string]*call{}
	var syncs []*call
	for _, c := range calls(seen) {
		switch {
		case strings.HasPrefix(c.text, "pwrite64("):
			for _, id := range idOf.FindAllStringSubmatch(c.text, -1) {
				if written[id[1]] == nil { // the page may be written again with more content
					written[id[1]] = c
				}
			}
		case strings.HasPrefix(c.text, `write(1, "stored `):
			acknowledged[strings.TrimPrefix(c.text, `write(1, "stored `)[:36]] = c
		case strings.Contains(c.text, "sync(") && !c.failed:
			syncs = append(syncs, c)
		}
	}
	t.Logf("%d acknowledged, %d syncs", len(acknowledged), len(syncs))
	if len(acknowledged) != want || len(said) != want {
		t.Errorf("%d of %d acknowledged", len(acknowledged), want)
	}
	if len(syncs) > want/2 {
		t.Errorf("%d syncs for %d fights", len(syncs), want)
	}
	for id, answer := range acknowledged {
		if !syncedBetween(written[id], answer, syncs) {
			t.Errorf("%s was acknowledged without a sync after its write", id)
		}
	}
}

func syncedBetween(write, answer *call, syncs []*call) bool {
	for _, sync := range syncs {
		if write != nil && write.end < sync.begin && 0 < sync.end && sync.end < answer.begin {
			return true
		}
	}
	return false
}

// A failed sync is acknowledged to nobody in the group.
func TestGroupFailedSync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fights.db")
	if err := openFights(t, path).Close(); err != nil { // creating a file takes many syncs
		t.Fatal(err)
	}
	// strace counts calls per thread, so more than one may fail.
	said, seen := underStrace(t, "insert at once", path, "-e", "inject=fsync,fdatasync:error=EIO:when=2")
	if !strings.Contains(strings.Join(seen, "\n"), "INJECTED") {
		t.Fatal("no sync failed")
	}
	store, counts := openFights(t, path), map[string]int{}
	for _, line := range said {
		answer, text, _ := strings.Cut(line, " ")
		id, err := fight.ParseID(text)
		if err != nil {
			t.Fatalf("the child printed %q", line)
		}
		counts[answer]++
		errs := map[string]error{"stored": nil, "perhaps": fight.ErrMaybeStored, "refused": errors.New("refused")}
		fighttest.Truthful(t, store, fight.Fight{ID: id}, errs[answer])
	}
	t.Log(counts)
	if counts["perhaps"] == 0 || counts["stored"] == 0 || counts["refused"] > 0 {
		t.Errorf("got %v, want some stored and some uncertain", counts)
	}
}
