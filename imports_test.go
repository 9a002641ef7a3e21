package writ_test

import (
	"errors"
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/writ-go/writ"

// importOrder has every package, by its path in this module. A package may import only what stands
// in a line above its own. internal/servers is for tests alone. A new package needs a place here.
var importOrder = [][]string{
	{"internal/servers", "internal/outbound", "internal/ownfile", "internal/contextkey"},
	{"keys"},
	{"internal/plain"},
	{"internal/jws"},
	{"keys/jwks", "keys/mldsa"},
	{"token"},
	{"rotation"},
	{"revocation"},
	{"middleware"},
	{"."},
	{"store/*"},
	{"writtest"},
	{"fromenv"},
	{"cmd/*", "examples/*"},
}

// importsOnly narrows the order.
var importsOnly = map[string][]string{
	"rotation":   {},
	"middleware": {"token", "internal/contextkey"},
}

// testsMayImport widens it for tests: the Manager is tested on real stores, and the stores and
// their suite on each other.
var testsMayImport = map[string][]string{
	".":               {"store/memory", "store/sqlite"},
	"store/memory":    {"store/storetest"},
	"store/postgres":  {"store/storetest"},
	"store/redis":     {"store/storetest"},
	"store/sqlite":    {"store/storetest"},
	"store/storetest": {"store/memory"},
}

// linkedBy has what only some packages may link, even through others of this module. Programs may
// link anything.
var linkedBy = map[string][]string{
	"modernc.org/":                {"store/sqlite"},
	"github.com/jackc/pgx/":       {"internal/servers", "store/postgres"},
	"github.com/redis/go-redis/":  {"store/redis"},
	"go.uber.org/goleak":          {"internal/servers", "internal/outbound", "internal/ownfile", "internal/contextkey"},
	"github.com/caarlos0/env":     {"fromenv"},
	"github.com/cloudflare/circl": {"keys/mldsa"},
	"golang.org/x/crypto/":        {},
}

func TestImportOrder(t *testing.T) {
	packages := readPackages(t)
	for name, p := range packages {
		place := placeOf(name)
		if place < 0 {
			t.Errorf("%s has no place in importOrder", name)
			continue
		}
		for _, imported := range p.Imports {
			to, ok := ours(imported)
			if ok && placeOf(to) >= place {
				t.Errorf("%s imports %s, which does not stand above it", name, to)
			}
			if only, narrow := importsOnly[name]; ok && narrow && !slices.Contains(only, to) {
				t.Errorf("%s imports %s; of this module it may import only %q", name, to, only)
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			to, ok := ours(imported)
			if ok && to != name && placeOf(to) >= place && !slices.Contains(testsMayImport[name], to) {
				t.Errorf("a test of %s imports %s, which does not stand above it", name, to)
			}
		}
	}
	if t.Failed() {
		return // what is linked is known only without cycles
	}
	for name := range packages {
		if placeOf(name) == len(importOrder)-1 {
			continue
		}
		for prefix, by := range linkedBy {
			if links(packages, name, prefix) && !slices.Contains(by, name) {
				t.Errorf("%s links %s; of this module only %q may", name, prefix, by)
			}
		}
	}
}

// ours is where a package stands in this module, and whether it does.
func ours(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func placeOf(name string) int {
	return slices.IndexFunc(importOrder, func(line []string) bool {
		return slices.ContainsFunc(line, func(pattern string) bool {
			match, err := path.Match(pattern, name)
			return match && err == nil
		})
	})
}

func links(packages map[string]*build.Package, name, prefix string) bool {
	return slices.ContainsFunc(packages[name].Imports, func(imported string) bool {
		to, ok := ours(imported)
		return ok && links(packages, to, prefix) || strings.HasPrefix(imported, prefix)
	})
}

// readPackages reads the imports of every package of this module, on every system. It reads the
// files itself, so that the test's cached result ends when one of them changes.
func readPackages(t *testing.T) map[string]*build.Package {
	t.Helper()
	everywhere := build.Default
	everywhere.UseAllFiles = true
	packages := map[string]*build.Package{}
	err := filepath.WalkDir(".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if dir != "." {
			_, nested := os.Stat(filepath.Join(dir, "go.mod"))
			if nested == nil || d.Name() == "testdata" || strings.ContainsAny(d.Name()[:1], "._") {
				return fs.SkipDir
			}
		}
		p, err := everywhere.ImportDir(dir, 0)
		if noGo := (*build.NoGoError)(nil); errors.As(err, &noGo) {
			return nil
		}
		packages[filepath.ToSlash(dir)] = p
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if packages["."] == nil || packages["keys"] == nil {
		t.Fatal("this module's packages were not found")
	}
	return packages
}
