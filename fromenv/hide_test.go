package fromenv_test

import (
	"context"
	"errors"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/fromenv"
)

// leaksNothing fails if a value of e is in the error. // req 99, req 100
func leaksNothing(t *testing.T, err error, e environment) {
	t.Helper()
	text := err.Error()
	remedies := []string{"", "true", "memory:"} // what errors advise to set
	for name, value := range e {
		if !slices.Contains(remedies, value) && strings.Contains(text, value) {
			t.Errorf("the error has the value of %s", name)
		}
	}
	if strings.Contains(text, "canary") {
		t.Error("the error has a piece of a value")
	}
}

func TestWhatADriverSaysIsShownWithoutTheURL(t *testing.T) {
	down := errors.New("refused")
	e := right().but(environment{"WRIT_STORE": "db://me:canary%21@canary.test/canary?canary=1"})
	e.use(t)
	_, err := fromenv.Open(t.Context(), fromenv.Stores{
		"db": func(_ context.Context, u *url.URL) (writ.Store, error) {
			password, _ := u.User.Password()
			return nil, errors.Join(errors.New("dial "+u.String()+" with "+password+" at "+u.Redacted()+" for "+u.Path+" and "+u.RawQuery), down)
		},
	})
	if !errors.Is(err, down) || !strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), "WRIT_STORE") {
		t.Fatalf("the error does not say why: %v", err)
	}
	leaksNothing(t, err, e)
}

func TestAPathWithinAnotherIsHiddenWhole(t *testing.T) {
	ring := ringDir(t, nil)
	e := right().but(environment{"WRIT_KEYS": ring, "WRIT_STORE": "db:" + ring + "/canary.db"})
	e.use(t)
	_, err := fromenv.Open(t.Context(), fromenv.Stores{
		"db": func(_ context.Context, u *url.URL) (writ.Store, error) { return nil, errors.New(u.Path + " is full") },
	})
	if err == nil || !strings.Contains(err.Error(), "$WRIT_STORE is full") {
		t.Fatalf("err = %v", err)
	}
	leaksNothing(t, err, e)
}

func TestAPieceOfAPathIsHidden(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a directory in which nobody can make one")
	}
	e := right().but(environment{"WRIT_KEYS": "/proc/canary/keys"})
	e.use(t)
	_, err := fromenv.Open(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "WRIT_KEYS") {
		t.Fatalf("err = %v", err)
	}
	leaksNothing(t, err, e)
}
