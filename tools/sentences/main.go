// Command sentences picks random sentences from everything in the repository that people read: comments, documents, messages
// and help texts. Readers who don't know the code mark the sentences that are unclear or sound wrong.
//
//	go run ./tools/sentences --seed 1
//	go run ./tools/sentences --seed 1 --where    # with file and line, to find and correct them
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// sentence is a sentence with the file and line where it starts.
type sentence struct {
	text, file string
	line       int
}

func main() {
	var c struct {
		Seed  uint64 `required:"" help:"Seed; the same seed picks the same sentences from the same files."`
		Count int    `default:"100" help:"Number of sentences."`
		Where bool   `help:"Also print file and line."`
	}
	kong.Parse(&c, kong.Name("sentences"), kong.Description("Pick random sentences from comments, documents and messages."))
	all, err := sentences()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sentences:", err)
		os.Exit(1)
	}
	random := rand.New(rand.NewPCG(c.Seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i, s := range all[:min(c.Count, len(all))] {
		if c.Where {
			fmt.Printf("%s:%d: ", s.file, s.line)
		}
		fmt.Printf("%d. %s\n", i+1, s.text)
	}
}

// sentences returns the sentences of all Go and Markdown files under version control, in a fixed order.
func sentences() ([]sentence, error) {
	list, err := exec.Command("git", "ls-files", "-z", "*.go", "*.md").Output() //nolint:noctx // takes only milliseconds
	if err != nil {
		return nil, fmt.Errorf("listing files: %w", err)
	}
	var all []sentence
	for file := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		read := ofDocument
		if filepath.Ext(file) == ".go" {
			read = ofCode
		}
		found, err := read(file, text)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// ofCode returns the sentences in the comments, messages and help texts of a Go file.
func ofCode(file string, text []byte) (found []sentence, err error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	add := func(at token.Pos, text string) { found = append(found, split(text, file, files.Position(at).Line)...) }
	for _, group := range parsed.Comments {
		add(group.Pos(), group.Text())
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		literal, ok := node.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			return true
		}
		if help := regexp.MustCompile(`help:"([^"]*)"`).FindStringSubmatch(value); help != nil {
			value = help[1]
		}
		if !regexp.MustCompile(`[{}<>=;|\\/]|^[A-Z]{4,} `).MatchString(value) { // no JSON, SQL or paths
			add(literal.Pos(), value)
		}
		return true
	})
	return found, nil
}

// ofDocument returns the sentences of a Markdown file, excluding code, tables and headings.
func ofDocument(file string, text []byte) (found []sentence, err error) {
	text = regexp.MustCompile("(?s)```.*?```|<!--.*?-->").ReplaceAllFunc(text, func(block []byte) []byte {
		return bytes.Repeat([]byte("\n"), bytes.Count(block, []byte("\n"))) // preserves line numbers
	})
	line := 1
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		if !strings.HasPrefix(strings.TrimLeft(paragraph, "\n"), "|") && !strings.HasPrefix(strings.TrimLeft(paragraph, "\n"), "#") {
			found = append(found, split(regexp.MustCompile(`\]\([^)]*\)|[\[\]]|\*\*`).ReplaceAllString(paragraph, ""), file, line)...)
		}
		line += strings.Count(paragraph, "\n") + 2
	}
	return found, nil
}

// split returns the sentences of a text that have at least five words.
func split(text, file string, line int) (found []sentence) {
	for _, part := range regexp.MustCompile(`[.!?]["”)]?\s+`).Split(strings.TrimSpace(text)+" ", -1) {
		if part = strings.Join(strings.Fields(part), " "); len(strings.Fields(part)) >= 5 && !strings.HasPrefix(part, "//") {
			found = append(found, sentence{part, file, line})
		}
	}
	return found
}
