package main

import (
	"embed"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"superheroes/internal/logging"
)

// completionCommand prints a script for a shell. On each press of the Tab key, the script runs the program with
// completeArgument, so that scripts list no commands or flags.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

//go:embed completion
var completionScripts embed.FS

func (c completionCommand) Run(s *session) error {
	script, err := completionScripts.ReadFile("completion/superheroes." + c.Shell)
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(script)
	return err
}

// completeArgument is the first argument of the scripts' calls. The words of the unfinished command line follow, without
// the program's name. The last word, which may be empty, is the one to complete.
const completeArgument = "complete"

// complete prints a line for each candidate for the last word: the candidate, a tab, and its help.
func complete(w io.Writer, words []string) int {
	parser, err := newParser(&commands{}, io.Discard, io.Discard, func(int) {})
	if err != nil || len(words) == 0 {
		return exitError
	}
	for _, c := range candidates(parser.Model.Node, words) {
		fmt.Fprintf(w, "%s\t%s\n", c.word, c.help)
	}
	return exitOK
}

// candidate is a possible word of a command line.
type candidate struct{ word, help string }

// candidates returns the candidates for the last of the words.
func candidates(root *kong.Node, words []string) []candidate {
	at := cursor{root: root, node: root}
	last := len(words) - 1
	for _, word := range words[:last] {
		at.pass(word)
	}
	return slices.DeleteFunc(at.candidates(words[last]), func(c candidate) bool {
		return !strings.HasPrefix(c.word, words[last])
	})
}

// cursor is a place in a command line.
type cursor struct {
	root, node *kong.Node
	flag       *kong.Flag // flag whose value comes next, or nil
	arguments  int        // number of arguments since the command's name
}

// pass moves the cursor past a word.
func (c *cursor) pass(word string) {
	switch {
	case c.flag != nil:
		c.flag = nil
	case strings.HasPrefix(word, "-"):
		if flag := c.named(word); flag != nil && !flag.IsBool() {
			c.flag = flag
		}
	default:
		for _, child := range c.node.Children {
			if child.Name == word && c.arguments == 0 {
				c.node = child
				return
			}
		}
		c.arguments++
	}
}

// candidates returns the candidates for a word at the cursor. Some of them may not begin with the word.
func (c *cursor) candidates(word string) []candidate {
	name, _, hasValue := strings.Cut(word, "=")
	switch isFlag := strings.HasPrefix(word, "-"); {
	case c.flag != nil:
		return values(c.flag.Value, "")
	case isFlag && hasValue:
		if flag := c.named(name); flag != nil {
			return values(flag.Value, name+"=")
		}
		return nil
	case isFlag:
		return c.flags()
	case c.arguments < len(c.node.Positional):
		return append(c.subcommands(), values(c.node.Positional[c.arguments], "")...)
	case c.arguments == 0 && len(c.node.Children) > 0:
		return c.subcommands()
	case word == "" && len(c.node.Positional) == 0:
		return c.flags()
	}
	return nil
}

// subcommands returns the names of the commands below the cursor's. Help's arguments are the names of all commands.
func (c *cursor) subcommands() (found []candidate) {
	parent := c.node
	if parent.Target.Type() == reflect.TypeFor[helpCommand]() {
		parent = c.root
	}
	for _, child := range parent.Children {
		if !child.Hidden {
			found = append(found, candidate{child.Name, firstSentence(child.Help)})
		}
	}
	return found
}

// allFlags returns the flags that are valid at the cursor, including those of the default command.
func (c *cursor) allFlags() []*kong.Flag {
	all := c.node.Flags
	if c.node != c.root {
		all = slices.Concat(c.root.Flags, all)
	}
	if c.node.DefaultCmd != nil {
		all = slices.Concat(all, c.node.DefaultCmd.Flags)
	}
	return all
}

func (c *cursor) flags() (found []candidate) {
	for _, flag := range c.allFlags() {
		help := firstSentence(flag.Help)
		found = append(found, candidate{"--" + flag.Name, help})
		if flag.Tag.Negatable != "" {
			found = append(found, candidate{"--no-" + flag.Name, "Not: " + help})
		}
	}
	return found
}

// named returns the flag with the given name, such as --output or -o, or nil if there is none.
func (c *cursor) named(name string) *kong.Flag {
	all := c.allFlags()
	at := slices.IndexFunc(all, func(flag *kong.Flag) bool {
		return name == "--"+flag.Name || flag.Short != 0 && name == "-"+string(flag.Short)
	})
	if at < 0 {
		return nil
	}
	return all[at]
}

// values returns the possible values of a flag or an argument, each after the prefix, or nil if there are too many.
func values(value *kong.Value, prefix string) (found []candidate) {
	words := value.EnumSlice()
	if value.Target.Type() == reflect.TypeFor[slog.Level]() {
		words = nil
		for _, level := range logging.Levels() {
			words = append(words, level.String())
		}
	}
	for _, word := range words {
		if word != "" {
			found = append(found, candidate{prefix + word, ""})
		}
	}
	return found
}

// firstSentence returns the first sentence of a help text, without the period.
func firstSentence(help string) string {
	sentence, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(sentence, ".")
}
