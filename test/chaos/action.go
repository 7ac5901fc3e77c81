package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"superheroes/database"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/sqlite"
	"superheroes/test/history"
	"superheroes/test/smalldisk"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

// Action is an operation on a process, on a network link, or on the embedded store's files.
type Action string

const (
	kill      Action = "kill -9"
	terminate Action = "terminate"
	start     Action = "start"
	freeze    Action = "freeze"
	thaw      Action = "thaw"

	hang       Action = "hang"
	disconnect Action = "disconnect"
	delay      Action = "delay"
	pass       Action = "pass"

	hide    Action = "hide"    // hides the files of the fights database
	restore Action = "restore" // restores the hidden files
	garble  Action = "garble"  // overwrites the header of the database's write-ahead log
	mend    Action = "mend"    // repairs the garbled log
	fill    Action = "fill"    // fills the disk
	empty   Action = "empty"   // frees the space on the filled disk
	advance Action = "advance" // while the process is stopped, stores a fight whose id comes from a clock that is ahead
)

// startPatience and stopPatience are time limits for starting and stopping a process, generous enough for a busy
// machine.
const (
	startPatience = 3 * time.Minute
	stopPatience  = time.Minute
)

// latency is the delay that a slow link adds to each chunk of data.
const latency = 150 * time.Millisecond

// do performs the event's action, unless the process is already in the resulting state.
func (w *world) do(event Event) {
	w.Helper()
	if p := w.processes[event.On]; p != nil {
		w.doProcess(p, event.Do)
	}
	if w.links[event.On] != nil {
		doLink(w.links[event.On], event.Do)
	}
	if event.On == "up" {
		w.doFiles(event.Do)
	}
}

func (w *world) doProcess(p *process, do Action) {
	if do == start && p.running == nil {
		p.running = system.Start(w, w.program, p.env, p.args...)
		return
	}
	if p.running == nil {
		return
	}
	switch do {
	case kill:
		w.usage.add(p.running.Pid())
		p.running.Kill()
		p.running = nil
	case terminate:
		w.usage.add(p.running.Pid())
		p.running.Signal(w, syscall.SIGTERM)
		if code := p.running.Wait(w, stopPatience); code != 0 {
			w.Errorf("the process exited with code %d on SIGTERM: %s", code, p.running.Stderr.String())
		}
		p.running = nil
	case freeze:
		p.running.Signal(w, stopSignal())
	case thaw:
		p.running.Signal(w, continueSignal())
	}
}

func doLink(l *tcpproxy.Proxy, do Action) {
	switch do {
	case hang:
		l.Become(tcpproxy.Hangs)
	case disconnect:
		l.Become(tcpproxy.Refuses)
		l.Cut()
	case delay:
		l.Delay(latency)
	case pass:
		l.Delay(0)
		l.Become(tcpproxy.Passes)
	}
}

func (w *world) doFiles(do Action) {
	var err error
	switch do {
	case hide:
		err = w.move("", ".hidden")
	case restore:
		err = w.move(".hidden", "")
	case garble:
		err = w.garble()
	case mend:
		err = w.mend()
	case fill:
		w.filler = smalldisk.Fill(w, w.dir)
	case empty:
		err = os.Remove(w.filler)
	case advance:
		err = w.advance()
	}
	if err != nil {
		w.Fatalf("%s: %v", do, err)
	}
}

// move renames the files of the fights database. If the program has created files with the new names, they contain no
// fights and are overwritten.
func (w *world) move(from, to string) error {
	for _, part := range []string{"", "-wal", "-shm"} {
		path := w.fightsFile() + part
		if err := os.Rename(path+from, path+to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// nonsense returns garbage bytes to overwrite the log's header.
func nonsense() []byte { return bytes.Repeat([]byte{0x5a}, 32) }

func (w *world) garble() error {
	log, err := os.OpenFile(w.fightsFile()+"-wal", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	w.saved = make([]byte, len(nonsense()))
	_, err = log.ReadAt(w.saved, 0)
	if err == nil {
		_, err = log.WriteAt(nonsense(), 0)
	}
	return errors.Join(err, log.Close())
}

func (w *world) mend() error {
	log, err := os.OpenFile(w.fightsFile()+"-wal", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	found := make([]byte, len(w.saved))
	_, err = log.ReadAt(found, 0)
	if err == nil && !bytes.Equal(found, nonsense()) {
		err = errors.New("the program wrote to the damaged log")
	}
	if err == nil {
		_, err = log.WriteAt(w.saved, 0)
	}
	return errors.Join(err, log.Close())
}

// advance stores a fight whose id comes from a clock that is hours ahead of the current time.
func (w *world) advance() error {
	w.hours++
	store, err := sqlite.OpenFights(w.Context(), w.fightsFile(), database.SQLiteFight, false)
	if err != nil {
		return err
	}
	at := time.Now().Add(time.Duration(w.hours) * time.Hour)
	hero := character.Character{Name: fmt.Sprintf("op-ahead-%d", w.hours)}
	fought := fight.Decide(fight.NewIDs(fight.ID{}).Next(at), at, hero, character.Villains().Example, nil)
	answer := fought.AppendJSON(nil)
	now := time.Since(w.clients.began)
	err = store.Insert(w.Context(), fought, answer)
	w.clients.note(history.Operation{Hero: hero.Name, Began: now, Ended: now, ID: fought.ID.String(), Answer: string(answer), Answered: true})
	return errors.Join(err, store.Close())
}
