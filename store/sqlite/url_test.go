package sqlite_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/writ-go/writ/store/sqlite"
)

func TestOpenURL(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, test := range map[string]struct{ url, file string }{
		"a relative path":         {"sqlite:a.db", "a.db"},
		"an absolute path":        {"sqlite:" + filepath.Join(dir, "b.db"), "b.db"},
		"three slashes":           {"sqlite://" + filepath.Join(dir, "c.db"), "c.db"},
		"a space that is escaped": {"sqlite:my%20sessions.db", "my sessions.db"},
		"a host":                  {"sqlite://host/d.db", ""},
		"a query":                 {"sqlite:e.db?mode=ro", ""},
		"a bare question mark":    {"sqlite:e.db?", ""},
		"a fragment":              {"sqlite:e.db#x", ""},
		"a password":              {"sqlite://u:p@/f.db", ""},
		"a broken escape":         {"sqlite:g%zz.db", ""},
		"nothing":                 {"sqlite:", ""},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(test.url)
			if err != nil {
				t.Fatal(err)
			}
			s, err := sqlite.OpenURL(t.Context(), u)
			if test.file == "" {
				if s != nil || err == nil {
					t.Error("it was opened")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := os.Stat(test.file); err != nil {
				t.Error(err)
			}
		})
	}
}
