package catalogtest

import (
	"slices"
	"strings"
	"testing"
)

// texts returns distinct names, each at most 50 code points long, that some stores are known to alter.
func texts() map[string]string {
	return map[string]string{
		"plain":                            "Cafe",
		"other case":                       "CAFE",
		"precomposed accent":               "Caf\u00e9",
		"combining accent":                 "Cafe\u0301",
		"combining marks in reverse order": "a\u0301\u0323",
		"combining marks":                  "a\u0323\u0301",
		"compatibility letter":             "\ufb01ne",
		"leading blanks":                   "  Cafe",
		"trailing blank":                   "Cafe ",
		"trailing blanks":                  "Cafe  ",
		"trailing no-break space":          "Cafe\u00a0",
		"a blank":                          " ",
		"tab":                              "\tCafe\t",
		"CRLF":                             "Cafe\r\nBar\r\n",
		"LF":                               "Cafe\nBar\n",
		"quotes":                           `'Cafe' "Bar" ` + "`Baz`",
		"doubled quote":                    `J''onn J''onzz`,
		"backslashes":                      `C:\new\table\\ \' \" \0 \Z \%`,
		"backslash at the end":             `Cafe\`,
		"placeholders":                     `? $1 :name @p %s {table}`,
		"comment":                          `Cafe -- /* # */ ;`,
		"emoji":                            "🦸🏽‍♀️ vs 🦹",
		"fifty emoji":                      strings.Repeat("🦸", 50),
		"fifty accents":                    strings.Repeat("\u0301", 50),
		"fifty letters":                    strings.Repeat("x", 50),
		"right to left":                    "\u202eשלום مرحبا",
		"byte order mark":                  "\ufeffCafe",
		"zero width":                       "Ca\u200bfe\u200d",
		"controls":                         "\x01\x1a\x1f\x7f\u0085",
		"line separators":                  "\u2028\u2029",
		"last code points":                 "\uffff\U0010ffff",
		"dotted and dotless i":             "İıIi",
		"sharp s":                          "ßẞSS",
		"number":                           "007",
		"null word":                        "NULL",
		"boolean word":                     "true",
	}
}

func (e Engine[T]) testText(t *testing.T) {
	f := e.empty(t)
	var items []T
	for name, text := range texts() {
		item := f.item(int64(1+len(items)), text)
		f.setTexts(&item, text)
		items = append(items, item)
		t.Logf("%d: %s", item.Key(), name)
	}
	long := f.item(int64(1+len(items)), "long")
	f.setTexts(&long, strings.Repeat("é🦸 ", 85))
	items = append(items, long)
	f.put(items...)
	f.expect(items...)
	stored := f.texts("SELECT name FROM " + e.Kind.Table.Name + " ORDER BY id")
	for i, item := range items {
		if stored[i] != item.Label() {
			t.Errorf("the name stored in the database is %q, want %q", stored[i], item.Label())
		}
	}
}

// setTexts sets every column that accepts arbitrary text.
func (f *fixture[T]) setTexts(item *T, text string) {
	f.Helper()
	for _, column := range []string{"otherName", "description", "picture", "powers"} {
		if slices.Contains(f.engine.Kind.Table.Columns, column) {
			f.set(item, column, text)
		}
	}
}

// last returns the item with the highest id.
func (f *fixture[T]) last() T {
	f.Helper()
	items := f.all()
	return items[len(items)-1]
}
