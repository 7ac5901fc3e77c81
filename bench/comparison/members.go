package comparison

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"superheroes/bench/measure"
)

// script is a shell script, line by line.
type script []string

// Setup is the members file: which members to compare, and how to run them.
type Setup struct {
	Reference string   `json:"reference"` // name of the member with which the others are compared
	Stores    []Store  `json:"stores"`    // that the members use
	Members   []Runner `json:"members"`
}

// About describes a member in words.
type About struct {
	Name          string   `json:"name"`
	Role          Role     `json:"role,omitempty"` // only for variants of this project
	What          string   `json:"what"`           // such as its language and libraries, in one sentence
	Source        string   `json:"source,omitempty"`
	Commit        string   `json:"commit"`
	Configuration string   `json:"configuration"`   // how it is built and set up, and why so
	Does          []string `json:"does"`            // what it does that other members may not do
	Lacks         []string `json:"lacks,omitempty"` // what it doesn't do that other members do
	Nothing       bool     `json:"stores_nothing,omitempty"`
	Stores        []string `json:"stores,omitempty"` // names of the stores it uses
}

// Role tells the variants of this project apart, since the targets are about them.
type Role string

// The roles.
const (
	Strict Role = "strict" // four processes, strict profile
	Eco    Role = "eco"    // four processes, eco profile
	Up     Role = "up"     // one process
)

// Runner is a member, and how to run it. Its scripts are run by sh in the current folder.
type Runner struct {
	About
	Target    string `json:"target"`              // its addresses, as in superheroes-bench run --target
	Start     script `json:"start,omitempty"`     // starts its processes; empty if they are running already
	Stop      script `json:"stop,omitempty"`      // stops those that don't stop when the start script's processes get SIGTERM
	Processes script `json:"processes,omitempty"` // prints their process IDs; if empty, they are found by their ports
	Warmup    string `json:"warmup,omitempty"`    // the least warm-up under the first load, such as 1m for a just-in-time compiler
}

// Store is a database server that members use.
type Store struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	For       string `json:"stands_in_for,omitempty"` // the server that would be used, if it could be had
	Processes script `json:"processes,omitempty"`     // prints its process IDs; not in the results
}

// readSetup reads and checks a members file.
func readSetup(path string) (Setup, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Setup{}, err
	}
	setup, err := parseSetup(text)
	if err != nil {
		return setup, fmt.Errorf("%s: %w", path, err)
	}
	return setup, nil
}

func parseSetup(text []byte) (s Setup, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return s, err
	}
	if !slices.ContainsFunc(s.Members, func(m Runner) bool { return m.Name == s.Reference }) {
		return s, fmt.Errorf("reference: no member has the name %q", s.Reference)
	}
	names := map[string]bool{}
	for _, m := range s.Members {
		if names[m.Name] {
			return s, fmt.Errorf("two members have the name %q", m.Name)
		}
		names[m.Name] = true
		if err := s.check(m); err != nil {
			return s, fmt.Errorf("member %q: %w", m.Name, err)
		}
	}
	return s, nil
}

func (s Setup) check(m Runner) error {
	for _, name := range m.Stores {
		if _, err := s.store(name); err != nil {
			return err
		}
	}
	_, warmupErr := m.warmup()
	_, targetErr := m.target()
	switch {
	case m.Name == "" || m.What == "" || m.Commit == "" || m.Configuration == "":
		return errors.New("name, what, commit and configuration are required: the page must say what was measured")
	case !slices.Contains([]Role{"", Strict, Eco, Up}, m.Role):
		return fmt.Errorf("unknown role %q; known are %s, %s and %s", m.Role, Strict, Eco, Up)
	case m.Role != "" && m.Name == s.Reference:
		return errors.New("a variant of this project can't be the reference")
	}
	return cmp.Or(warmupErr, targetErr)
}

func (s Setup) store(name string) (Store, error) {
	at := slices.IndexFunc(s.Stores, func(of Store) bool { return of.Name == name })
	if at < 0 {
		return Store{}, fmt.Errorf("unknown store %q", name)
	}
	return s.Stores[at], nil
}

func (m Runner) target() (measure.Target, error) {
	target, err := measure.ParseTarget(m.Target)
	if err != nil {
		return target, fmt.Errorf("target: %w", err)
	}
	target.Name = m.Name
	return target, nil
}

func (m Runner) warmup() (time.Duration, error) {
	if m.Warmup == "" {
		return 0, nil
	}
	return time.ParseDuration(m.Warmup)
}

func (s script) String() string { return strings.Join(s, "\n") }
