// Command docs runs every command in README.md, CONTRIBUTING.md and the pages in docs, taken from the files themselves, in
// a fresh clone of the last commit. The exercises in docs/learn.md, which change the code, are run by a test. docs exits
// with 1 if a command fails, if a file that should contain commands has none, or if the commands leave files behind that
// git doesn't ignore.
//
// A command is a fenced block marked sh; it must exit with 0. The folder build, where make build puts the programs, is in
// its PATH. A comment before the block changes how the command is run:
//
//	<!-- run: expect "winner_name" -->                            the output contains this text
//	<!-- run: fails --- FAIL: TestDecide -->                      it fails, and the output contains this text
//	<!-- run: measure fights/s -->                                like expect, but it may also fail because the run was VOID
//	<!-- run: background, wait http://127.0.0.1:8004/readyz -->   it runs in the background, and the URL returns 200
//	<!-- run: skip, it needs a database -->                       it is skipped, for this reason
//
// Background commands are stopped by <!-- run: stop -->, or at the end of the file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// patience is the time limit for a command, which may have to compile the whole program first.
const patience = 15 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	failed, err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
	}
	if err != nil || failed > 0 {
		os.Exit(1)
	}
}

// run runs the commands in the documents of a fresh clone and returns how many failed.
func run(ctx context.Context, out io.Writer) (failed int, err error) {
	temporary, err := os.MkdirTemp("", "superheroes-docs-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(temporary) }() // a leftover folder is harmless: the system clears its temporary files
	clone := filepath.Join(temporary, "superheroes")
	if err := cloneHead(ctx, clone, out); err != nil {
		return 0, err
	}
	names, err := documentsIn(clone)
	if err != nil {
		return 0, err
	}
	runner := &runner{dir: clone, out: out, patience: patience}
	for _, name := range names {
		steps, err := stepsOf(clone, name)
		if err != nil {
			return 0, err
		}
		runner.document(ctx, steps)
	}
	fmt.Fprintf(out, "%d commands run, %d skipped, %d failed\n", runner.ran, runner.skipped, runner.failed)
	return runner.failed, errors.Join(ctx.Err(), checkLeftovers(ctx, clone))
}

const docsFolder = "docs"

// documentsIn returns the documents whose commands are run, in order: the index of docs comes before the other pages,
// because it builds the programs that they use.
func documentsIn(folder string) ([]string, error) {
	pages, err := fs.Glob(os.DirFS(folder), docsFolder+"/*.md")
	if err != nil {
		return nil, err
	}
	index := docsFolder + "/README.md"
	others := slices.DeleteFunc(pages, func(page string) bool { return page == index || page == docsFolder+"/learn.md" })
	return slices.Concat([]string{"README.md", index}, others, []string{"CONTRIBUTING.md"}), nil
}

// stepsOf returns the steps of a document in the folder. Only pages in docs may have none.
func stepsOf(folder, name string) ([]step, error) {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	steps, err := parse(name, string(text))
	if errors.Is(err, errNoCommand) && filepath.Dir(name) == docsFolder {
		return nil, nil
	}
	return steps, err
}

// checkLeftovers returns an error if the commands have changed or created files that git doesn't ignore.
func checkLeftovers(ctx context.Context, clone string) error {
	left, err := git(ctx, "-C", clone, "status", "--porcelain")
	if err != nil {
		return err
	}
	if left != "" {
		return fmt.Errorf("the commands leave files behind; add them to .gitignore:\n%s", left)
	}
	return nil
}

// cloneHead clones the last commit of the current repository.
func cloneHead(ctx context.Context, clone string, out io.Writer) error {
	repository, err := git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	commit, err := git(ctx, "log", "-1", "--format=%h %s")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "running the commands in the documents of commit %s\n", commit)
	if changed, err := git(ctx, "status", "--porcelain"); err == nil && changed != "" {
		fmt.Fprintln(out, "uncommitted changes are not tested")
	}
	_, err = git(ctx, "clone", "--quiet", repository, clone)
	return err
}

func git(ctx context.Context, args ...string) (string, error) {
	output, err := exec.CommandContext(ctx, "git", args...).CombinedOutput()
	text := lastLines(string(output), 20)
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, text)
	}
	return text, nil
}
