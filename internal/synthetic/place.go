package synthetic

import "strconv"

// placeNames enumerates all combinations of name parts in an order that depends on the seed.
type placeNames struct {
	parts          [][]string
	count          uint64 // number of combinations
	factor, offset uint64 // the nth name is combination factor*n + offset; factor and count are coprime
}

func newPlaceNames(d *dice, words placeVocabulary) placeNames {
	names := placeNames{parts: [][]string{words.prefixes, words.stems, words.endings, words.tails}, count: 1}
	for _, part := range names.parts {
		names.count *= uint64(len(part))
	}
	names.offset = d.intN(names.count)
	names.factor = names.count/3 + d.intN(names.count/3)
	for divisor(names.factor, names.count) > 1 {
		names.factor++
	}
	return names
}

// name returns the nth name. After all combinations have been used, they repeat with a number appended.
func (p placeNames) name(n uint64) string {
	round, combination := n/p.count, (n%p.count*p.factor+p.offset)%p.count
	name := ""
	for _, part := range p.parts {
		name += part[combination%uint64(len(part))]
		combination /= uint64(len(part))
	}
	if round > 0 {
		name += " " + strconv.FormatUint(round+1, 10)
	}
	return name
}

// divisor returns the greatest common divisor of a and b.
func divisor(a, b uint64) uint64 {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
