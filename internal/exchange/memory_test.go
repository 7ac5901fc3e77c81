package exchange_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"superheroes/internal/exchange"
)

const (
	streamLength = 4 << 20
	liveLimit    = 1 << 20 // memory limit for reading short rows, including buffers
)

// stream is a long file that is generated on the fly.
type stream struct {
	pending strings.Reader
	left    int // bytes, roughly
	row     func() string
}

func (s *stream) Read(p []byte) (int, error) {
	if s.pending.Len() == 0 {
		if s.left <= 0 {
			return 0, io.EOF
		}
		text := s.row()
		s.left -= len(text)
		s.pending.Reset(text)
	}
	return s.pending.Read(p)
}

// newStream returns a stream of head followed by repetitions of row.
func newStream(length int, head, row string) io.Reader {
	return io.MultiReader(strings.NewReader(head), &stream{left: length, row: func() string { return row }})
}

var filler = strings.Repeat("Force, ", 140)

var longFiles = map[string]struct {
	format    exchange.Format
	head, row string
}{
	"SQL, one row per statement": {exchange.SQL, "", "INSERT INTO hero(id, name, powers) VALUES (1, 'Yoda', '" + filler + "');\n"},
	"SQL, one statement":         {exchange.SQL, "INSERT INTO hero(id, name, powers) VALUES (1, 'Yoda', '')\n", ", (1, 'Yoda', '" + filler + "')\n"},
	"SQL, COPY":                  {exchange.SQL, "COPY hero (id, name, powers) FROM stdin;\n", "1\tYoda\t" + filler + "\n"},
	"JSON lines":                 {exchange.JSONLines, "", `{"id":1,"name":"Yoda","powers":"` + filler + "\"}\n"},
	"CSV":                        {exchange.CSV, "id,name,powers\n", `1,Yoda,"` + filler + "\"\n"},
}

// growth reads a file and returns the maximum growth of the live heap, in bytes, and the number of rows.
func growth(t *testing.T, f exchange.Format, file io.Reader) (peak int64, rows int) {
	t.Helper()
	before := liveHeap()
	for row, err := range exchange.Read(file, f, heroes()) {
		if err != nil && f == exchange.SQL && strings.Contains(err.Error(), "ends within a COPY") {
			break
		}
		if err != nil || row.Err != nil {
			t.Fatal(err, row.Err)
		}
		if rows++; rows%512 == 0 {
			peak = max(peak, liveHeap()-before)
		}
	}
	return peak, rows
}

func liveHeap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestLongFilesAreStreamed(t *testing.T) {
	for name, file := range longFiles {
		t.Run(name, func(t *testing.T) {
			peak, rows := growth(t, file.format, newStream(streamLength, file.head, file.row))
			if rows < streamLength/2048 {
				t.Errorf("only %d rows", rows)
			}
			if peak > liveLimit {
				t.Errorf("the live heap grew by %d MiB, want at most %d", peak>>20, liveLimit>>20)
			}
		})
	}
}

// TestLongTextBetweenRows checks that text outside the table's rows may exceed the length limit for rows.
func TestLongTextBetweenRows(t *testing.T) {
	const insert = "; INSERT INTO hero(id, name) VALUES (1, 'a');"
	for name, middle := range map[string][3]string{
		"string in another statement": {"SELECT '", filler, "'"},
		"insert into another table":   {"INSERT INTO villain(id) VALUES (1)", ",(1)", ""},
		"copy of another table":       {"COPY villain (id) FROM stdin;\n", filler + "\n", "\\.\n"},
		"row of a rejected COPY":      {"COPY hero (cape) FROM stdin;\n", filler + "\n", "\\.\n"},
		"routine":                     {"DELIMITER ;;\n", filler + ";\n", "DELIMITER ;\n"},
		"comment":                     {"/*", filler, "*/"},
		"dollar quote":                {"DO $$", filler, "$$"},
		"row of a rejected INSERT":    {"INSERT INTO hero(cape) VALUES ('", filler, "')"},
	} {
		t.Run(name, func(t *testing.T) {
			file := io.MultiReader(newStream(2*maxRow, middle[0], middle[1]), strings.NewReader(middle[2]+insert))
			taken := 0
			schema := heroes()
			schema.MySQL = name == "routine"
			for row, err := range exchange.Read(file, exchange.SQL, schema) {
				if err != nil {
					t.Fatal(err)
				}
				if row.Err == nil {
					taken++
				}
			}
			if taken != 1 {
				t.Errorf("%d rows, want 1", taken)
			}
		})
	}
}

// maxRow is the documented maximum length of a row.
const maxRow = 1 << 20

func TestLongestRow(t *testing.T) {
	files := map[string]struct {
		format              exchange.Format
		head, before, after string
		line                int
		frame               int // length of the row without the long text
	}{
		"SQL":            {exchange.SQL, "INSERT INTO hero(id, name, powers) VALUES\n(1, 'a', ''),\n", "(2,'b','", "'),(3, 'c', '');", 3, len("2,'b','')")},
		"COPY":           {exchange.SQL, "COPY hero(id, powers) FROM stdin;\n1\ta\n", "2\t", "\r\n3\tc\n\\.\n", 3, len("2\t")},
		"JSON lines":     {exchange.JSONLines, "{\"id\":1}\n", `{"id":2,"powers":"`, "\"}\r\n{\"id\":3}", 2, len(`{"id":2,"powers":""}`)},
		"CSV":            {exchange.CSV, "id,name,powers\n1,a,\n", "2,b,", "\r\n3,c,\n", 3, len("2,b,")},
		"CSV, in quotes": {exchange.CSV, "id,name,powers\n1,a,\n", "2,b,\"", "\"\n3,c,\n", 3, len("2,b,")},
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			longest := file.head + file.before + strings.Repeat("x", maxRow-file.frame) + file.after
			if items := readAll(t, strings.NewReader(longest), file.format, heroes()); len(items) != 3 {
				t.Errorf("%d rows, want 3", len(items))
			}
			tooLong := file.head + file.before + strings.Repeat("x", maxRow-file.frame+1) + file.after
			got := listing(strings.NewReader(tooLong), file.format, heroes())
			want := fmt.Sprintf("END line %d: row longer than %d bytes\n", file.line, maxRow)
			if !strings.HasSuffix(got, want) || strings.Count(got, "\n") != 2 {
				t.Errorf("got\n%.300swant one row, then\n%s", got, want)
			}
		})
	}
}

func TestRowsWithoutEnd(t *testing.T) {
	for name, file := range map[string]struct {
		format    exchange.Format
		head, row string
		want      string
	}{
		"SQL values":   {exchange.SQL, "INSERT INTO hero(id) VALUES (1", ",1", "END line 1: row longer than 1048576 bytes\n"},
		"SQL name":     {exchange.SQL, "INSERT INTO ", "x", "END line 1: row longer than 1048576 bytes\n"},
		"CREATE TABLE": {exchange.SQL, "CREATE TABLE hero (id int", ",x int", "END line 1: row longer than 1048576 bytes\n"},
		"CSV fields":   {exchange.CSV, "id,name\n", ",", "END line 2: row longer than 1048576 bytes\n"},
		"CSV header":   {exchange.CSV, "", "x", "END line 1: row longer than 1048576 bytes\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := listing(newStream(2*maxRow, file.head, strings.Repeat(file.row, 100)), file.format, heroes()); got != file.want {
				t.Errorf("got %.300s, want %s", got, file.want)
			}
		})
	}
}
