package main

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// TestTheConstantsAreThoseOfTheCode evaluates what the source declares.
func TestTheConstantsAreThoseOfTheCode(t *testing.T) {
	for _, s := range stated {
		got, ok := declared(t, filepath.Join(root, s.file), s.name)
		if !ok {
			t.Errorf("%s declares no constant %s", s.file, s.name)
		} else if got != s.value {
			t.Errorf("%s is %d in %s, and %d here", s.name, got, s.file, s.value)
		}
	}
	for _, q := range quoted {
		text, err := os.ReadFile(filepath.Join(root, q.file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), q.text) {
			t.Errorf("%s has no longer: %s", q.file, q.text)
		}
	}
}

// units stand for package time in what is evaluated.
const units = "const Nanosecond, Microsecond, Millisecond, Second, Minute, Hour = 1, 1000, 1000000, 1000000000, 60000000000, 3600000000000\n"

func declared(t *testing.T, path, name string) (int64, bool) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			for i, n := range v.Names {
				if n.Name != name || i >= len(v.Values) {
					continue
				}
				return evaluate(t, strings.ReplaceAll(types.ExprString(v.Values[i]), "time.", "")), true
			}
		}
	}
	return 0, false
}

func evaluate(t *testing.T, expression string) int64 {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "", "package p\n"+units+"const X = "+expression, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := new(types.Config).Check("p", set, []*ast.File{f}, nil)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	n, exact := constant.Int64Val(constant.ToInt(p.Scope().Lookup("X").(*types.Const).Val()))
	if !exact {
		t.Fatalf("%s is no whole number", expression)
	}
	return n
}
