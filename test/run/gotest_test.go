package main

import (
	"slices"
	"testing"
)

func TestPackagesGiven(t *testing.T) {
	tests := []struct {
		name  string
		given []string
		want  []string // the end of the arguments
	}{
		{"nothing", nil, []string{"./..."}},
		{"only flags", []string{"--", "-run", "Fight"}, []string{"-run", "Fight", "./..."}},
		{"a folder", []string{"--", "-run", "Fight", "./internal/..."}, []string{"-run", "Fight", "./internal/..."}},
		{"a package", []string{"superheroes/internal/fight"}, []string{"superheroes/internal/fight"}},
		{"here", []string{"."}, []string{"."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := testArgs(t.Context(), test.given, t.Logf)
			if len(got) < len(test.want) || !slices.Equal(got[len(got)-len(test.want):], test.want) {
				t.Errorf("got %q, want it to end with %q", got, test.want)
			}
			if slices.Contains(got, "--") {
				t.Errorf("got %q with the dashes that are ours", got)
			}
		})
	}
}
