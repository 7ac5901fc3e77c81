package location_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"superheroes/internal/location"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct {
		name string
		item location.Location
		want string
	}{
		{"nothing", location.Location{}, `{"id":null,"name":"","description":"","picture":"","type":""}`},
		{"all", location.Locations().Example, `{"id":1,"name":"Gotham City","description":"A city of gargoyles and rain.","picture":"/api/locations/1/picture.svg","type":"CITY"}`},
		{"escapes", location.Location{ID: 1, Description: "\"\\\n é🦸</script>"}, `{"id":1,"name":"","description":"\"\\\n é🦸</script>","picture":"","type":""}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.item.AppendJSON([]byte("before"))); got != "before"+c.want {
				t.Errorf("got  %s\nwant before%s", got, c.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(*location.Location)
		want      []string // fields that Check refuses
		wantGiven []string // fields that CheckGiven refuses
	}{
		{"the example", func(*location.Location) {}, nil, nil},
		{"without a type", func(l *location.Location) { l.Type = "" }, []string{"type"}, nil},
		{"unknown type", func(l *location.Location) { l.Type = "SEA" }, []string{"type"}, []string{"type"}},
		{"type in lower case", func(l *location.Location) { l.Type = "city" }, []string{"type"}, []string{"type"}},
		{"without an id", func(l *location.Location) { l.ID = 0 }, nil, nil},
		{"negative id", func(l *location.Location) { l.ID = -1 }, []string{"id"}, []string{"id"}},
		{"long description", func(l *location.Location) { l.Description = strings.Repeat("rain ", 10_000) }, nil, nil},
		{"NUL in the description", func(l *location.Location) { l.Description = "\x00" }, []string{"description"}, []string{"description"}},
		{"picture of 255", func(l *location.Location) { l.Picture = strings.Repeat("x", 255) }, nil, nil},
		{"picture of 256", func(l *location.Location) { l.Picture = strings.Repeat("x", 256) }, []string{"picture"}, []string{"picture"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			item := location.Locations().Example
			c.change(&item)
			var got, given []string
			item.Check(func(field, _ string) { got = append(got, field) })
			item.CheckGiven(func(field, _ string) { given = append(given, field) })
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Check: %s", diff)
			}
			if diff := cmp.Diff(c.wantGiven, given); diff != "" {
				t.Errorf("CheckGiven: %s", diff)
			}
		})
	}
}

func TestKind(t *testing.T) {
	kind := location.Locations()
	if kind.Table.Name != "locations" || kind.Table.Step != 1 {
		t.Errorf("the table is %+v", kind.Table)
	}
	kind.Example.Check(func(field, message string) { t.Errorf("the example's %s %s", field, message) })
	var got location.Location
	for _, column := range kind.Table.Columns {
		if err := kind.Table.Set(&got, column, kind.Table.Value(kind.Example, column)); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(kind.Example, got); diff != "" {
		t.Error(diff)
	}
	if picture := kind.Emblem(kind.Example); !bytes.HasPrefix(picture, []byte("<svg")) {
		t.Errorf("the picture begins with %.20q", picture)
	}
}
