package emblem

import (
	"hash/fnv"
	"strings"
)

// glyph is a small sign for a kind of power.
type glyph struct {
	shape string   // path around the origin, 12 units in each direction, filled by even-odd
	stems []string // lower-case prefixes of words that denote the power
}

// glyphs returns all glyphs by precedence: a power that matches several gets the first.
func glyphs() []glyph {
	return []glyph{
		{ // eye
			"M-12 0C-7-9 7-9 12 0C7 9-7 9-12 0ZM0-5A5 5 0 1 0 0 5A5 5 0 1 0 0-5ZM0-2A2 2 0 1 1 0 2A2 2 0 1 1 0-2Z",
			[]string{"sight", "vision", "eye", "fores", "gaze", "see", "radar", "aim", "sense", "stare", "detect", "deduc"},
		},
		{ // wing
			"M-11 8C-12-4-3-10 12-10C11-6 8-4 4-3C8-3 9-2 9-2C7 2 4 3 0 3C3 4 4 4 4 5C1 8-3 8-6 7Z",
			[]string{"flight", "fly", "wing", "glid", "kite", "levit", "falcon", "raven", "bird", "jet", "leap", "rocket"},
		},
		{ // flame
			"M0-12C1-6 8-3 8 4A8 8 0 0 1-8 4C-8 0-6-2-5-5C-4-3-3-2-1-1C-3-5-2-9 0-12ZM0 3C-3 5-3 9 0 10C3 9 3 6 0 3Z",
			[]string{"fire", "flam", "heat", "lava", "ember", "burn", "dragon", "atomic", "warm", "smoke", "ash"},
		},
		{"M8-12H12V-8L-3 7L0 10L-2 12L-6 9L-9 12L-12 9L-9 6L-12 2L-10 0L-7 3Z", // blade
			[]string{"sword", "blade", "lightsab", "knife", "fenc", "claw", "dagger", "spear", "trident", "arch", "razor", "harpoon", "scyth", "hook", "needle"}},
		{"M3-12L-8 2H-1L-4 12L8-3H1Z", // bolt
			[]string{"light", "thunder", "electr", "energy", "beam", "blast", "plasma", "radio", "magnet", "laser", "cannon"}},
		{"M4-12A12 12 0 1 0 12 6A10 10 0 0 1 4-12Z", // moon
			[]string{"moon", "night", "shadow", "dark", "stealth", "dream", "invis", "void", "fear", "disguis", "illus", "silen"}},
		{ // snowflake
			"M-1-12H1V-8L4-10L5-8L1-5V-2L4-3L5-8H7L7-5L10-7L11-5L9-4L11-2L7-1L3 0L7 1L11 2L9 4L11 5L10 7L7 5V8H5L4 3L1 2V5L5 8L4 10L1 8V12H-1V8L-4 10L-5 8L-1 5V2L-4 3L-5 8H-7V5L-10 7L-11 5L-9 4L-11 2L-7 1L-3 0L-7-1L-11-2L-9-4L-11-5L-10-7L-7-5V-8H-5L-4-3L-1-2V-5L-5-8L-4-10L-1-8Z",
			[]string{"ice", "frost", "snow", "cold", "cryo", "bliz", "freez"},
		},
		{"M0-12C4-5 8-1 8 4A8 8 0 0 1-8 4C-8-1-4-5 0-12ZM-5 4A5 5 0 0 0 0 9V7A3 3 0 0 1-3 4Z", // drop
			[]string{"water", "sea", "tide", "rain", "flood", "drown", "swim", "acid", "poison", "potion", "blood", "ink", "liquid", "venom"}},
		{"M-10 11C-12-4-4-11 11-11C12 4 4 12-6 8L3-2L-8 9Z", // leaf
			[]string{"plant", "leaf", "wood", "forest", "root", "vine", "thorn", "growth", "regrow", "bark", "spore", "moss", "herb", "fungus", "pherom"}},
		{ // gear
			"M-3-11H3L2-8L4-7L6-9L9-6L7-4L8-2L11-3V3L8 2L7 4L9 6L6 9L4 7L2 8L3 11H-3L-2 8L-4 7L-6 9L-9 6L-7 4L-8 2L-11 3V-3L-8-2L-7-4L-9-6L-6-9L-4-7L-2-8ZM0-4A4 4 0 1 0 0 4A4 4 0 1 0 0-4Z",
			[]string{"gear", "gadget", "machin", "robot", "hack", "engin", "drone", "metal", "clock", "build", "demol", "weapon", "trap", "chem"},
		},
		{"M-9-9C-5-8-2-9 0-12C2-9 5-8 9-9V0C9 6 5 9 0 12C-5 9-9 6-9 0ZM0-7V7C3 5 5 3 5 0V-5C3-5 1-6 0-7Z", // shield
			[]string{"shield", "armour", "invul", "immun", "endur", "unbreak", "wall", "scale", "shell", "field", "defen", "hide", "bracer", "stone"}},
		{"M-8-3V-8C-8-11-4-11-4-8C-4-12 0-12 0-8C0-12 4-12 4-8C4-11 8-11 8-8V3C8 8 5 9 5 12H-5C-5 9-8 7-8 3V0H2V-3ZM-5-8H-4V-4H-5ZM-1-8H0V-4H-1ZM3-8H4V-2H3Z", // fist
			[]string{"streng", "fist", "punch", "martial", "wrestl", "crush", "hammer", "club", "mace", "grip", "rage", "kung", "giant", "kick"}},
		{"M-12-9H-7L-1 0L-7 9H-12L-6 0ZM-3-9H2L8 0L2 9H-3L3 0ZM6-9H9L12-4V4L9 9H6L11 0Z", // chevrons
			[]string{"speed", "agil", "acrob", "quick", "run", "reflex", "pilot", "riding", "teleport", "portal", "dodg", "phas", "driv"}},
		{"M0-12A12 12 0 1 0 0 12A12 12 0 1 0 0-12ZM0-9A9 9 0 1 1 0 9A9 9 0 1 1 0-9ZM-1-7H1V0L5 3L4 5L-1 1Z", // clock
			[]string{"time", "immort", "long", "patien", "slow", "age", "endless", "rebirth"}},
		{"M0 11L-10 1A6 6 0 0 1 0-7A6 6 0 0 1 10 1Z", // heart
			[]string{"heal", "regen", "life", "kind", "empath", "love", "courag", "leader", "nerve", "luck", "repair"}},
		{"M0-12A12 12 0 1 0 0 12A12 12 0 1 0 0-12ZM0-9A9 9 0 1 1 0 9A9 9 0 1 1 0-9ZM0-6A6 6 0 1 0 0 6A6 6 0 1 0 0-6ZM0-3A3 3 0 1 1 0 3A3 3 0 1 1 0-3Z", // rings
			[]string{"tele", "mind", "psych", "force", "sonic", "sound", "voice", "song", "echo", "hypno", "scream", "shock", "gravity", "genius", "strateg", "tactic", "memor", "cry"}},
		{"M0 0C-5-2-7 4-4 7C-2 12 2 12 4 7C7 4 5-2 0 0ZM-5-12C-8-12-8-4-4-4C-2-4-2-12-5-12ZM5-12C8-12 8-4 4-4C2-4 2-12 5-12ZM-10-4C-13-3-11 4-8 3C-6 2-7-5-10-4ZM10-4C13-3 11 4 8 3C6 2 7-5 10-4Z", // paw
			[]string{"beast", "shape", "form", "wolf", "lion", "bear", "cat", "rat", "snake", "smell", "pack", "animal", "monster", "tail", "tentac", "bat"}},
		{"M-12 10L-4-9L1 0L4-4L12 10ZM-4-5L-6 0L-4-1L-2 0Z", // mountain
			[]string{"earth", "rock", "sand", "mount", "climb", "clay", "salt", "crystal", "rust", "survival"}},
		{"M0-12L2-2L12 0L2 2L0 12L-2 2L-12 0L-2-2ZM8-11L9-9L11-8L9-7L8-5L7-7L5-8L7-9ZM-8 5L-7 7L-5 8L-7 9L-8 11L-9 9L-11 8L-9 7Z", // sparkle
			[]string{"magic", "sorc", "spell", "wizard", "curse", "trick", "mystic", "astral", "mirror", "origami", "hex"}},
		{starShape, // star
			[]string{"star", "cosmic", "space", "sun", "solar", "divine", "spirit", "meteor", "infin", "purif"}},
	}
}

const starShape = "M0-12L3-4H11L5 1L7 10L0 5L-7 10L-5 1L-11-4H-3Z"

// glyphsOf returns the signs of comma separated powers, without duplicates, at most limit.
func glyphsOf(powers string, limit int) []string {
	all := glyphs()
	seen := make([]bool, len(all))
	var shapes []string
	for power := range strings.SplitSeq(powers, ",") {
		power = strings.ToLower(strings.TrimSpace(power))
		if power == "" {
			continue
		}
		kind := kindOf(all, power)
		if seen[kind] {
			continue
		}
		seen[kind] = true
		if shapes = append(shapes, all[kind].shape); len(shapes) == limit {
			break
		}
	}
	return shapes
}

// kindOf returns the index of the sign for a power in lower case. For a power that
// matches no stem, the index is derived from its hash.
func kindOf(all []glyph, power string) int {
	words := strings.FieldsFunc(power, func(r rune) bool { return r == ' ' || r == '-' })
	for kind, g := range all {
		if anyPrefix(words, g.stems) {
			return kind
		}
	}
	h := fnv.New32a()
	h.Write([]byte(power))
	return int(h.Sum32() % uint32(len(all)))
}

func anyPrefix(words, stems []string) bool {
	for _, word := range words {
		for _, stem := range stems {
			if strings.HasPrefix(word, stem) {
				return true
			}
		}
	}
	return false
}
