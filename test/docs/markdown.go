package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// mode determines how the runner handles a step.
type mode string

const (
	modeRun        mode = "run"
	modeBackground mode = "background"
	modeSkip       mode = "skip"
	modeStop       mode = "stop" // ends the background commands
)

// step is a command in a document, or the instruction to stop the background commands.
type step struct {
	place  string // file:line
	mode   mode
	script string
	expect string // text that the output must contain
	fails  bool   // the command must fail
	void   bool   // the command may fail because its run was VOID, as on a busy machine
	wait   string // URL that returns 200 when a background command is ready
	reason string // why the step is skipped
}

var errNoCommand = errors.New("contains no command")

// parse returns the steps of a document. A document without commands results in errNoCommand.
func parse(name, text string) ([]step, error) {
	elements, err := split(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	var steps []step
	var asked *step // from the preceding comment
	for _, e := range elements {
		place := fmt.Sprintf("%s:%d", name, e.line)
		switch {
		case e.kind == block && e.info == "sh":
			command := step{mode: modeRun}
			if asked != nil {
				command = *asked
			}
			command.place, command.script = place, e.text
			steps, asked = append(steps, command), nil
		case asked != nil:
			return nil, fmt.Errorf("%s: no block marked sh follows the comment", asked.place)
		case e.kind == block && slices.Contains([]string{"bash", "console", "shell", "zsh"}, e.info):
			return nil, fmt.Errorf("%s: a block marked %s is not run; mark it sh", place, e.info)
		case e.kind == comment:
			parsed, err := parseComment(e.text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
			parsed.place = place
			if parsed.mode == modeStop {
				steps = append(steps, parsed)
				continue
			}
			asked = &parsed
		}
	}
	if asked != nil {
		return nil, fmt.Errorf("%s: no block marked sh follows the comment", asked.place)
	}
	if !slices.ContainsFunc(steps, func(s step) bool { return s.script != "" }) {
		return nil, fmt.Errorf("%s %w", name, errNoCommand)
	}
	return steps, nil
}

// parseComment parses the text between "run:" and the end of a comment.
func parseComment(text string) (step, error) {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	word = strings.TrimSuffix(word, ",")
	switch word {
	case "expect", "measure", "fails":
		if rest != "" {
			return step{mode: modeRun, void: word == "measure", fails: word == "fails", expect: rest}, nil
		}
		return step{}, fmt.Errorf("%s needs a text that the output contains", word)
	case "background":
		url, ok := strings.CutPrefix(rest, "wait ")
		if ok {
			return step{mode: modeBackground, wait: url}, nil
		}
		return step{}, errors.New("background needs a URL to wait for")
	case "skip":
		if rest != "" {
			return step{mode: modeSkip, reason: rest}, nil
		}
		return step{}, errors.New("skip needs a reason")
	case "stop":
		return step{mode: modeStop}, nil
	}
	return step{}, fmt.Errorf("run: %s is not a known option", word)
}

// element is a code block, a comment or a line of prose in a document.
type element struct {
	kind kind
	line int    // line number of the element's start, from 1
	info string // language of a block
	text string
}

type kind int

const (
	prose kind = iota
	comment
	block
)

const fence = "```"

// split splits a document into code blocks, run comments and other lines. It skips blank
// lines.
func split(text string) ([]element, error) {
	var elements []element
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line, number := strings.TrimSpace(lines[i]), i+1
		info, isBlock := strings.CutPrefix(line, fence)
		directive, isComment := strings.CutPrefix(line, "<!-- run:")
		switch {
		case isBlock:
			body := lines[number:]
			length := slices.IndexFunc(body, func(line string) bool { return strings.TrimSpace(line) == fence })
			if length < 0 {
				return nil, fmt.Errorf("%d: the code block is not closed", number)
			}
			elements = append(elements, element{block, number, strings.TrimSpace(info), strings.Join(body[:length], "\n")})
			i += length + 1
		case isComment:
			directive, closed := strings.CutSuffix(directive, "-->")
			if !closed {
				return nil, fmt.Errorf("%d: the comment is not closed on the same line", number)
			}
			elements = append(elements, element{kind: comment, line: number, text: strings.TrimSpace(directive)})
		case line != "":
			elements = append(elements, element{kind: prose, line: number, text: line})
		}
	}
	return elements, nil
}
