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

// req 99, req 100: openers and drivers take URLs apart, and quote what they find.
func TestEveryPieceOfTheURLIsHidden(t *testing.T) {
	const store = "db://canary-user:can%61ry%22%21@canary.test:5432/canary-db?password=hunter2&key=p%61ss+word&sslmode=on#canary-fragment"
	for name, says := range map[string]struct{ text, want string }{
		"the password in the query":              {"bad password hunter2", "bad password $WRIT_STORE"},
		"quoted":                                 {`bad password "hunter2"`, `bad password "$WRIT_STORE"`},
		"the parameter":                          {"cannot use ?password=hunter2", "cannot use ?password=$WRIT_STORE"},
		"a parameter, decoded":                   {"no pass word here", "no $WRIT_STORE here"},
		"a parameter, as it stands":              {"no p%61ss+word here", "no $WRIT_STORE here"},
		"a parameter, encoded anew":              {"no pass+word here", "no $WRIT_STORE here"},
		"the password":                           {`no canary"! here`, "no $WRIT_STORE here"},
		"the password as it stands":              {"no can%61ry%22%21 here", "no $WRIT_STORE here"},
		"the password, encoded anew":             {"no canary%22%21 here", "no $WRIT_STORE here"},
		"the password, quoted":                   {`no "canary\"!" here`, `no "$WRIT_STORE" here`},
		"the user":                               {"user canary-user is unknown", "user $WRIT_STORE is unknown"},
		"the host and its port":                  {"dial canary.test:5432", "dial $WRIT_STORE"},
		"the host":                               {"lookup canary.test: no such host", "lookup $WRIT_STORE: no such host"},
		"the database":                           {`database "canary-db" does not exist`, `database "$WRIT_STORE" does not exist`},
		"the fragment":                           {"canary-fragment?", "$WRIT_STORE?"},
		"a long piece in the midst of a word":    {"xcanary-userx", "x$WRIT_STOREx"},
		"words that have a piece in them":        {"only on hunter22 and xhunter2", "only on hunter22 and xhunter2"},
		"what the driver says beside the pieces": {"connection refused on the password", "connection refused on the password"},
	} {
		t.Run(name, func(t *testing.T) {
			right().but(environment{"WRIT_STORE": store}).use(t)
			_, err := fromenv.Open(t.Context(), fromenv.Stores{
				"db": func(context.Context, *url.URL) (writ.Store, error) { return nil, errors.New(says.text) },
			})
			if err == nil || !strings.HasSuffix(err.Error(), "opened: "+says.want) {
				t.Errorf("%v, want %q", err, says.want)
			}
		})
	}
}

func TestAShortPasswordIsHiddenAndWordsAreNot(t *testing.T) {
	right().but(environment{"WRIT_STORE": "db://me:in@db/on?x=is"}).use(t)
	_, err := fromenv.Open(t.Context(), fromenv.Stores{
		"db": func(context.Context, *url.URL) (writ.Store, error) {
			return nil, errors.New("me: invalid login with in; this is on db")
		},
	})
	if err == nil || !strings.HasSuffix(err.Error(), "me: invalid login with $WRIT_STORE; this is on db") {
		t.Errorf("err = %v", err)
	}
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
