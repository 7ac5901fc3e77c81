package main

import (
	"slices"
	"testing"
)

func TestTestArgs(t *testing.T) {
	own := []string{"test", "-json"}
	tests := []struct {
		name        string
		given       []string
		want, bench []string // the end of the arguments in each module; nil: it is not tested
	}{
		{"nothing", nil, []string{"./..."}, []string{"./..."}},
		{"only flags", []string{"-run", "Fight"}, []string{"-run", "Fight", "./..."}, []string{"-run", "Fight", "./..."}},
		{"a folder", []string{"-run", "Fight", "./internal/..."}, []string{"-run", "Fight", "./internal/..."}, nil},
		{"a package", []string{"superheroes/internal/fight"}, []string{"superheroes/internal/fight"}, nil},
		{"here", []string{"."}, []string{"."}, nil},
		{"the bench", []string{"-short", "./bench/..."}, nil, []string{"-short", "./..."}},
		{"packages of the bench", []string{"superheroes/bench", "./bench/measure"}, nil, []string{".", "./measure"}},
		{"of both", []string{"./bench/measure", "./internal/fight"}, []string{"./internal/fight"}, []string{"./measure"}},
		{"a folder with such a name", []string{"./benches"}, []string{"./benches"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for module, want := range map[string][]string{".": test.want, benchFolder: test.bench} {
				if want != nil {
					want = slices.Concat(own, want)
				}
				if got := testArgs(module, own, test.given); !slices.Equal(got, want) {
					t.Errorf("%s: got %q, want %q", module, got, want)
				}
			}
		})
	}
}
