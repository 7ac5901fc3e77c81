package exchange_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"superheroes/internal/exchange"
)

// encode16 encodes a string in UTF-16 with the given byte order.
func encode16(order binary.AppendByteOrder, text string) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = order.AppendUint16(encoded, unit)
	}
	return string(encoded)
}

func TestReadUTF16(t *testing.T) {
	files := map[exchange.Format]string{
		exchange.SQL:       "INSERT INTO hero(id, name) VALUES\n(1, 'é😀\uFFFD');\n",
		exchange.CSV:       "id;name\r\n\r\n1;é😀\uFFFD\r\n",
		exchange.JSONLines: "{}\n" + `{"id":1,"name":"é😀` + "\uFFFD\"}\n",
	}
	for format, file := range files {
		want := listing(strings.NewReader(file), format, heroes())
		for name, order := range map[string]binary.AppendByteOrder{"little-endian": binary.LittleEndian, "big-endian": binary.BigEndian} {
			for _, mark := range []string{"", "\uFEFF"} {
				t.Run(format.String()+" "+name+" "+mark, func(t *testing.T) {
					if got := listing(strings.NewReader(encode16(order, mark+file)), format, heroes()); got != want || !strings.Contains(got, "é😀") {
						t.Errorf("got\n%swant\n%s", got, want)
					}
				})
			}
		}
	}
	t.Run("a long file", func(t *testing.T) {
		row := "1;" + strings.Repeat("é😀", 1000) + "\n"
		rows := readAll(t, strings.NewReader(encode16(binary.LittleEndian, "id;name\n"+strings.Repeat(row, 100))), exchange.CSV, heroes())
		for _, item := range rows {
			if item.Name != strings.Repeat("é😀", 1000) {
				t.Fatalf("got %.60q", item.Name)
			}
		}
		if len(rows) != 100 {
			t.Errorf("%d rows", len(rows))
		}
	})
	for name, broken := range map[string]string{
		"high surrogate only": "\x3d\xd8",
		"low surrogate only":  "\x00\xde",
		"two high surrogates": "\x3d\xd8\x3d\xd8",
		"a single byte":       "a",
	} {
		t.Run(name, func(t *testing.T) {
			file := "\xff\xfe" + encode16(binary.LittleEndian, "id,name\n1,") + broken
			if got, want := listing(strings.NewReader(file), exchange.CSV, heroes()), "2 REFUSED line 2, column name: invalid UTF-8\n"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
