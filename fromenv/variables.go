package fromenv

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/writ-go/writ/keys"
)

// variables is every variable of a program with a Manager.
type variables struct {
	Issuer        string         `env:"WRIT_ISSUER"`
	Audience      string         `env:"WRIT_AUDIENCE"`
	Store         string         `env:"WRIT_STORE"`
	Secret        string         `env:"WRIT_SECRET"`
	SecretFile    string         `env:"WRIT_SECRET_FILE"`
	FormerFile    string         `env:"WRIT_FORMER_SECRET_FILE"`
	KeysInClear   bool           `env:"WRIT_KEYS_IN_CLEAR"`
	Keys          string         `env:"WRIT_KEYS"`
	Algorithm     keys.Algorithm `env:"WRIT_ALGORITHM"`
	KeyPeriod     time.Duration  `env:"WRIT_KEY_PERIOD"`
	AccessTTL     time.Duration  `env:"WRIT_ACCESS_TTL"`
	IdleTTL       time.Duration  `env:"WRIT_IDLE_TTL"`
	AbsoluteTTL   time.Duration  `env:"WRIT_ABSOLUTE_TTL"`
	RetryWindow   time.Duration  `env:"WRIT_RETRY_WINDOW"`
	ClientLatency time.Duration  `env:"WRIT_CLIENT_LATENCY"`
	JarFlush      time.Duration  `env:"WRIT_JAR_FLUSH"`
	ClockSkew     time.Duration  `env:"WRIT_CLOCK_SKEW"`
	CacheBytes    int64          `env:"WRIT_CACHE_BYTES"`
	MaxSessions   int            `env:"WRIT_MAX_SESSIONS"`
	RefuseBeyond  bool           `env:"WRIT_REFUSE_BEYOND_MAX"`
	AskStore      bool           `env:"WRIT_ASK_STORE"`
	FeedPublic    bool           `env:"WRIT_FEED_PUBLIC"`
}

// parse reads the variables of V and refuses those that it cannot read. A refused one is left out of
// what it returns.
func parse[V variables | followed]() (*V, error) {
	set := env.ToMap(os.Environ())
	maps.DeleteFunc(set, func(name, _ string) bool { return !strings.HasPrefix(name, prefix) })

	known := names[V]()
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(set)) {
		switch {
		case !slices.Contains(known, name):
			wrong = append(wrong, refuseOther(name, known))
		case set[name] == "":
			wrong = append(wrong, fmt.Errorf("%s is set, but empty: give it a value or unset it", name))
		}
	}
	v, err := env.ParseAsWithOptions[V](env.Options{
		Environment: set,
		// Every type but string, because the errors of env's own parsers quote the value.
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[bool]():           parseBool,
			reflect.TypeFor[int]():            parseCount,
			reflect.TypeFor[int64]():          parseBytes,
			reflect.TypeFor[time.Duration]():  parseDuration,
			reflect.TypeFor[keys.Algorithm](): parseAlgorithm,

			reflect.TypeFor[[]keys.Algorithm](): parseAlgorithms,
			reflect.TypeFor[[]string]():         parseNames,
		},
	})
	return &v, errors.Join(append(wrong, named[V](err)...)...)
}

const prefix = "WRIT_"

func names[V any]() []string {
	var list []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[V]()) {
		list = append(list, field.Tag.Get("env"))
	}
	return list
}

// named puts the variable's name where env has the field's. Of an error that is not from a parser
// below it repeats nothing.
func named[V any](err error) []error {
	if err == nil {
		return nil
	}
	all := env.AggregateError{Errors: []error{err}}
	errors.As(err, &all)
	var list []error
	for _, err := range all.Errors {
		parse := env.ParseError{Err: errors.New("cannot be read")}
		errors.As(err, &parse)
		field, _ := reflect.TypeFor[V]().FieldByName(parse.Name)
		list = append(list, fmt.Errorf("%s %w", field.Tag.Get("env"), parse.Err))
	}
	return list
}

func parseBool(text string) (any, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, errors.New("must be true or false")
}

func parseCount(text string) (any, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return nil, errors.New("must be a number above zero, such as 5")
	}
	return int(n), nil
}

// parseBytes makes 0 what it means in writ.Config: none.
func parseBytes(text string) (any, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return nil, errors.New("must be a number of bytes, such as 33554432, or 0")
	}
	if n == 0 {
		n = -1
	}
	return n, nil
}

func parseDuration(text string) (any, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil, errors.New("must be a duration above zero, such as 90s, 10m or 12h")
	}
	return d, nil
}

func parseAlgorithm(text string) (any, error) {
	var known []string
	for _, a := range keys.Algorithms() {
		if a.Name() == text {
			return a, nil
		}
		known = append(known, a.Name())
	}
	return nil, fmt.Errorf("must be one of %s; those with HS are for one service only", strings.Join(known, ", "))
}

// parseAlgorithms leaves it to writ.FollowConfig which of them a service may follow.
func parseAlgorithms(text string) (any, error) {
	var list []keys.Algorithm
	for name := range strings.SplitSeq(text, ",") {
		a, err := parseAlgorithm(strings.TrimSpace(name))
		if err != nil {
			return nil, fmt.Errorf("must be names with commas between: each %w", err)
		}
		list = append(list, a.(keys.Algorithm))
	}
	return list, nil
}

func parseNames(text string) (any, error) {
	var list []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name == "" {
			return nil, errors.New("must be names with commas between, such as realm_access,permissions")
		}
		list = append(list, name)
	}
	return list, nil
}
