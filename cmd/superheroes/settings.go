package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"superheroes/internal/logging"
)

// newParser returns the command line parser, which also reads an environment variable for every flag. The parser calls
// exit after printing help; exit may return.
func newParser(grammar any, stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	parser, err := kong.New(grammar,
		kong.Name("superheroes"),
		kong.Description("Super Heroes in Go: heroes and villains fight, and every fight is stored."),
		kong.DefaultEnvars(""),
		kong.Resolvers(kong.ResolverFunc(fromEnvironment)),
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.ValueFormatter(helpWithVariables),
		kong.Exit(exit),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)),
		kong.TypeMapper(reflect.TypeFor[slog.Level](), kong.MapperFunc(decodeLevel)),
		kong.TypeMapper(reflect.TypeFor[portBase](), kong.MapperFunc(decodePortBase)),
	)
	if err == nil {
		takeOver(parser.Model.Node)
	}
	return parser, err
}

// takeOver replaces kong's reading of environment variables, which treats empty variables as set. takeOver also
// replaces kong's decoding of values, so that every error names the flag and the variable, and no error reveals a
// secret.
func takeOver(node *kong.Node) {
	for _, flag := range node.Flags {
		if len(flag.Envs) > 0 {
			flag.Tag.Envs = nil // the variables' names remain in flag.Envs
			flag.Mapper = settingMapper{flag.Mapper}
		}
	}
	for _, child := range node.Children {
		takeOver(child)
	}
}

// settingError reports an invalid value for a setting.
type settingError struct {
	flag, variable string
	err            error
}

func (e *settingError) Error() string { return fmt.Sprintf("%s, %s: %v", e.flag, e.variable, e.err) }

// wrong returns an error about a flag's value.
func wrong(flag *kong.Flag, format string, args ...any) error {
	return &settingError{"--" + flag.Name, flag.Envs[0], fmt.Errorf(format, args...)}
}

// settingMapper decodes the value of a flag or its environment variable.
type settingMapper struct{ kong.Mapper }

// Decode implements kong.Mapper.
func (m settingMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	flag := ctx.Value.Flag
	if !flag.IsBool() && !ctx.Scan.Peek().IsValue() {
		return wrong(flag, "needs a value; write one that starts with a hyphen as --%s=VALUE", flag.Name)
	}
	text := ctx.Scan.Peek().String()
	if err := m.Mapper.Decode(ctx, target); err != nil {
		if kind := plainKind(target.Type()); kind != "" {
			return wrong(flag, "must be %s, not %q", kind, text)
		}
		return wrong(flag, "%w", err)
	}
	if allowed := flag.EnumSlice(); flag.Enum != "" && !slices.Contains(allowed, target.String()) {
		named := slices.DeleteFunc(allowed, func(s string) bool { return s == "" })
		return wrong(flag, "must be %s, not %q", strings.Join(named, " or "), target.String())
	}
	return nil
}

// plainKind describes the values of a built-in type that kong's errors would describe in Go's terms, or returns "".
func plainKind(t reflect.Type) string {
	switch {
	case t.PkgPath() != "": // has a decoder of its own
		return ""
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Uint, t.Kind() == reflect.Uint64:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64))
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return fmt.Sprintf("a whole number up to %d", int64(math.MaxInt64))
	}
	return ""
}

// IsBool implements kong.BoolMapper.
func (m settingMapper) IsBool() bool {
	inner, ok := m.Mapper.(kong.BoolMapper)
	return ok && inner.IsBool()
}

// decodeDuration decodes a duration, which must not be negative.
func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	text := ctx.Scan.Pop().String()
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("must be a duration such as 500ms or 10s, not %q", text)
	}
	target.SetInt(int64(d))
	return nil
}

// decodeLevel decodes the name of a log level.
func decodeLevel(ctx *kong.DecodeContext, target reflect.Value) error {
	level, err := logging.ParseLevel(ctx.Scan.Pop().String())
	target.SetInt(int64(level))
	return err
}

// fromEnvironment returns the value of a flag from its environment variable, or nil if the variable is unset or empty.
func fromEnvironment(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if len(flag.Envs) == 0 {
		return nil, nil
	}
	value := os.Getenv(flag.Envs[0])
	if variable := fileVariable(flag); variable != "" {
		switch path := os.Getenv(variable); {
		case path == "":
		case value != "":
			return nil, wrong(flag, "both %s and %s are set; unset one of them", flag.Envs[0], variable)
		default:
			secret, err := readSecret(path)
			if err != nil {
				return nil, wrong(flag, "%s: %w", variable, err)
			}
			value = secret
		}
	}
	if value == "" {
		return nil, nil
	}
	return value, nil
}

// fileVariable returns the variable that names the file containing the flag's secret, or "" if the flag isn't a secret.
func fileVariable(flag *kong.Flag) string {
	if !flag.Tag.Has("secret") {
		return ""
	}
	return flag.Envs[0] + "_FILE"
}

// largestSecret is the maximum size in bytes of a file that contains a secret.
const largestSecret = 64 << 10

// readSecret returns a file's contents without the trailing newline that editors and echo add. Errors name the file but
// never reveal its contents.
func readSecret(path string) (string, error) {
	if strings.Contains(path, "://") {
		return "", errors.New("must be the path of a file, not the secret itself")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular(): // the program may read the file twice, since raising the timer slack re-executes it
		return "", fmt.Errorf("%s is not a regular file", path)
	case info.Size() > largestSecret:
		return "", fmt.Errorf("%s has more than %d bytes", path, largestSecret)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(content), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return secret, nil
}

// helpWithVariables returns the help text of a flag, including the names of its variables.
func helpWithVariables(value *kong.Value) string {
	if value.Flag == nil || len(value.Flag.Envs) == 0 {
		return value.Help
	}
	variables := "$" + value.Flag.Envs[0]
	if file := fileVariable(value.Flag); file != "" {
		variables += ", or a file named by $" + file
	}
	return strings.TrimSuffix(value.Help, ".") + " (" + variables + ")."
}

// badUsage returns a parser error reworded for printing: without kong's prefix, and without arguments that may be
// secrets.
func badUsage(err error, args []string) error {
	var setting *settingError
	if errors.As(err, &setting) {
		return setting
	}
	if before, _, found := strings.Cut(err.Error(), "unexpected argument"); found && givesSecret(args) {
		return errors.New(before +
			"unexpected argument, which may be part of a secret and isn't shown; quote a value that contains spaces")
	}
	if word, found := strings.CutPrefix(err.Error(), "unexpected argument "); found && len(args) > 0 && word == args[0] {
		return fmt.Errorf("unknown command %s%s", word, suggestion(word))
	}
	if before, _, found := strings.Cut(err.Error(), "://"); found && strings.HasPrefix(before, "unknown flag") {
		return errors.New(before + "://…")
	}
	return err
}

// suggestion returns a question that names the command most similar to word, or "" if none is similar.
func suggestion(word string) string {
	best, least := "", 3 // letters to change
	for _, name := range shownCommands() {
		if d := distance(word, name); d < least && d < len(name) {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// distance returns the number of letters to insert, remove or replace in order to turn one word into the other
// (Levenshtein).
func distance(from, to string) int {
	row := make([]int, len(to)+1) // distances between the letters of from so far, and each beginning of to
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := diagonal
			if from[i] != to[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(to)]
}

// givesSecret reports whether any argument may be a secret or part of one.
func givesSecret(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		return strings.Contains(arg, "://") || strings.HasPrefix(arg, "--admin-token") ||
			strings.HasPrefix(arg, "--") && strings.Contains(arg, "-url")
	})
}
