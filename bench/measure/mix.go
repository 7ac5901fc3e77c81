package measure

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Service names one of the four services.
type Service string

// The services.
const (
	Fights    Service = "fights"
	Heroes    Service = "heroes"
	Villains  Service = "villains"
	Locations Service = "locations"
)

// Services returns all services.
func Services() []Service { return []Service{Fights, Heroes, Villains, Locations} }

// Mix is the sequence of actions that the iterations of a load test perform.
type Mix struct {
	name  string
	turns []action // iteration i performs turns[i % len(turns)]
}

// action is the work done in one iteration.
type action struct {
	name    string
	service Service // the service that receives the requests
	fights  bool    // whether a successful iteration stores one fight
	do      func(*client) error
}

func actions() []action {
	return []action{
		{"family", Fights, true, (*client).family},
		{"execute_fight", Fights, true, (*client).executeFight},
		{"randomfighters", Fights, false, single("/api/fights/randomfighters", checkFighters)},
		{"randomlocation", Fights, false, single("/api/fights/randomlocation", checkLocation)},
		{"random_hero", Heroes, false, random(Heroes, "random_hero", checkCharacter)},
		{"random_villain", Villains, false, random(Villains, "random_villain", checkCharacter)},
		{"random_location", Locations, false, random(Locations, "random_location", checkLocation)},
		{"livez", Fights, false, single("/livez", checkNothing)},
		{"livez_3_times", Fights, false, (*client).livezThreeTimes},
	}
}

// MixNames returns the names that ParseMix accepts.
func MixNames() []string {
	var names []string
	for _, a := range actions() {
		names = append(names, a.name)
	}
	return names
}

// maxWeight limits the weight of an action in a mix.
const maxWeight = 1000

// ParseMix parses the name of an action, or several names with weights, such as execute_fight:1,random_hero:9.
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
		known := actions()
		at := slices.IndexFunc(known, func(a action) bool { return a.name == name })
		if at < 0 {
			return Mix{}, fmt.Errorf("unknown action %q; known are %s", name, strings.Join(MixNames(), ", "))
		}
		for range weight {
			mix.turns = append(mix.turns, known[at])
		}
	}
	return mix, nil
}

// String returns the mix in the form that ParseMix accepts.
func (m Mix) String() string { return m.name }

// actions returns the mix's actions without duplicates.
func (m Mix) actions() []action {
	var all []action
	for _, a := range m.turns {
		if !slices.ContainsFunc(all, func(b action) bool { return a.name == b.name }) {
			all = append(all, a)
		}
	}
	return all
}

// fights reports whether any iteration stores a fight.
func (m Mix) fights() bool {
	return slices.ContainsFunc(m.turns, func(a action) bool { return a.fights })
}

// asks reports whether any iteration sends requests other than GET /livez to the service.
func (m Mix) asks(service Service) bool {
	return slices.ContainsFunc(m.turns, func(a action) bool { return a.service == service && !strings.HasPrefix(a.name, "livez") })
}

// unit returns the unit of work that figures refer to: a fight if every iteration stores one, otherwise an iteration.
func (m Mix) unit() string {
	if slices.ContainsFunc(m.turns, func(a action) bool { return !a.fights }) {
		return "iteration"
	}
	return "fight"
}
