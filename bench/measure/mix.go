package measure

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Service is one of the four.
type Service string

// The services.
const (
	Fights    Service = "fights"
	Heroes    Service = "heroes"
	Villains  Service = "villains"
	Locations Service = "locations"
)

// Services returns all of them.
func Services() []Service { return []Service{Fights, Heroes, Villains, Locations} }

// Mix is what iterations do, in turn.
type Mix struct {
	name  string
	turns []action // iteration i does the i-th, and from the beginning again
}

// action is what one iteration does.
type action struct {
	name    string
	service Service // that it asks
	fights  bool    // a good iteration leaves one fight stored
	do      func(*client) error
}

func actions() []action {
	return []action{
		{"family", Fights, true, (*client).family},
		{"execute_fight", Fights, true, (*client).executeFight},
		{"randomfighters", Fights, false, single(Fights, "/api/fights/randomfighters", checkFighters)},
		{"randomlocation", Fights, false, single(Fights, "/api/fights/randomlocation", checkLocation)},
		{"random_hero", Heroes, false, single(Heroes, "/api/heroes/random_hero", checkCharacter)},
		{"random_villain", Villains, false, single(Villains, "/api/villains/random_villain", checkCharacter)},
		{"random_location", Locations, false, single(Locations, "/api/locations/random_location", checkLocation)},
		{"livez", Fights, false, single(Fights, "/livez", checkNothing)},
	}
}

// MixNames returns the names that ParseMix knows.
func MixNames() []string {
	var names []string
	for _, a := range actions() {
		names = append(names, a.name)
	}
	return names
}

// maxWeight bounds how often an action may stand in a mix.
const maxWeight = 1000

// ParseMix reads one name, or several with weights, as in execute_fight:1,random_hero:9.
func ParseMix(text string) (Mix, error) {
	mix := Mix{name: text}
	for part := range strings.SplitSeq(text, ",") {
		name, number, weighted := strings.Cut(part, ":")
		weight := 1
		if weighted {
			var err error
			if weight, err = strconv.Atoi(number); err != nil || weight < 1 || weight > maxWeight {
				return Mix{}, fmt.Errorf("the weight of %s must be from 1 to %d, not %q", name, maxWeight, number)
			}
		}
		a, err := actionNamed(name)
		if err != nil {
			return Mix{}, err
		}
		for range weight {
			mix.turns = append(mix.turns, a)
		}
	}
	return mix, nil
}

func actionNamed(name string) (action, error) {
	for _, a := range actions() {
		if a.name == name {
			return a, nil
		}
	}
	return action{}, fmt.Errorf("there is no %q; there are %s", name, strings.Join(MixNames(), ", "))
}

// String returns the mix as it was written.
func (m Mix) String() string { return m.name }

// fights tells whether any iteration has a fight stored, and onlyFights whether every one has.
func (m Mix) fights() bool {
	for _, a := range m.turns {
		if a.fights {
			return true
		}
	}
	return false
}

// asks tells whether any iteration asks the service.
func (m Mix) asks(service Service) bool {
	return slices.ContainsFunc(m.turns, func(a action) bool { return a.service == service && a.name != "livez" })
}

func (m Mix) onlyFights() bool {
	for _, a := range m.turns {
		if !a.fights {
			return false
		}
	}
	return len(m.turns) > 0
}

// unit is what figures are given for each of.
func (m Mix) unit() string {
	if m.onlyFights() {
		return "fight"
	}
	return "iteration"
}
