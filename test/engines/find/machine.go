package find

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// machine looks for programs on this machine, starting with the folders in PATH.
type machine struct{ path []string }

// programs describes programs that are installed in the same folder.
type programs struct {
	names      []string
	folders    []string // glob patterns of further folders to search after PATH; the highest version wins
	wantFolder bool     // whether find returns the folder instead of the first program
}

// find returns the path of the first program, or of the folder that contains it. Symbolic links are resolved, because a
// link may be in a different folder than the program.
func (m machine) find(wanted programs) (string, error) {
	for _, folder := range m.candidates(wanted.folders) {
		program, ok := wanted.in(folder)
		if !ok {
			continue
		}
		if wanted.wantFolder {
			return filepath.Dir(program), nil
		}
		return program, nil
	}
	return "", fmt.Errorf("no %s in PATH or in %s", strings.Join(wanted.names, " with "), strings.Join(wanted.folders, ", "))
}

// candidates returns the folders in PATH, followed by the folders that match the patterns.
func (m machine) candidates(patterns []string) []string {
	folders := slices.Clone(m.path)
	for _, pattern := range patterns {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			continue // can't fail, because the patterns are constants and well-formed
		}
		slices.SortFunc(matches, func(a, b string) int { return slices.Compare(numbers(b), numbers(a)) })
		folders = append(folders, matches...)
	}
	return folders
}

// in returns the resolved path of the first program if the folder contains all programs.
func (p programs) in(folder string) (string, bool) {
	for _, name := range p.names {
		if !executable(filepath.Join(folder, name)) {
			return "", false
		}
	}
	program, err := filepath.EvalSymlinks(filepath.Join(folder, p.names[0]))
	return program, err == nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// numbers returns the numbers in a path, so that version 16 sorts above 9.6.
func numbers(path string) []int {
	var found []int
	for _, digits := range strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' }) {
		if number, err := strconv.Atoi(digits); err == nil {
			found = append(found, number)
		}
	}
	return found
}
