// Package page generates pages from results: it reads the results, renders templates, and replaces the generated section
// of a document.
package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"text/template"
)

// Load reads results from a JSON file.
func Load(path string, results any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, results); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// Digits rounds to six significant digits, since measurements are no more precise than that.
func Digits(value float64) float64 {
	kept, _ := strconv.ParseFloat(strconv.FormatFloat(value, 'g', 6, 64), 64) // can't fail, since it was just formatted
	return kept
}

// Render executes the named template, one of the files that end in .tmpl, with the results.
func Render(files fs.FS, functions template.FuncMap, name string, results any) (string, error) {
	parsed, err := template.New("").Funcs(functions).ParseFS(files, "*.tmpl")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = parsed.ExecuteTemplate(&text, name, results)
	return text.String(), err
}

// Section is the part of a document from one mark to another.
type Section struct {
	Begin, End string
	After      string // a mark after which a missing section is inserted; "" if the document must have the section
}

// Update replaces the section of a file. It does nothing if the file doesn't exist.
func (s Section) Update(path, section string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	changed, err := s.Replace(string(text), section)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(changed), 0o644)
}

// Replace returns the text with another section, which includes the marks.
func (s Section) Replace(text, section string) (string, error) {
	before, rest, found := strings.Cut(text, s.Begin)
	if !found && s.After != "" {
		if before, rest, found = strings.Cut(text, s.After); !found {
			return "", fmt.Errorf("there is no line %s, after which the figures belong", s.After)
		}
		return before + s.After + "\n\n" + section + rest, nil
	}
	if strings.Count(text, s.Begin) != 1 || strings.Count(text, s.End) != 1 {
		return "", errors.New("the marks around the figures must each occur exactly once")
	}
	_, after, found := strings.Cut(rest, s.End)
	if !found {
		return "", errors.New("the marks around the figures are in the wrong order")
	}
	return before + section + after, nil
}
