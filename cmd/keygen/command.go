package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/writ-go/writ/keys"
)

// command is a command's flags. No error repeats what stands in the command line: it may be a
// secret in the wrong place.
type command struct {
	*flag.FlagSet
	wrong error
}

func newCommand(name string) *command {
	c := &command{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	c.SetOutput(io.Discard)
	return c
}

// refuse keeps the first mistake. The parser's own error would repeat the value.
func (c *command) refuse(format string, args ...any) error {
	if c.wrong == nil {
		c.wrong = usageError{fmt.Errorf(format, args...)}
	}
	return nil
}

func (c *command) boolean(name string) *bool {
	value := new(bool)
	c.BoolFunc(name, "", func(text string) (err error) {
		if *value, err = strconv.ParseBool(text); err != nil {
			return c.refuse("--%s must be true or false, if it has a value", name)
		}
		return nil
	})
	return value
}

func (c *command) duration(into *time.Duration, name string) {
	c.Func(name, "", func(text string) error {
		d, err := parseDuration(text)
		if err != nil || d <= 0 {
			return c.refuse("--%s must be a duration above zero, such as 90s, 12h or 30d", name)
		}
		*into = d
		return nil
	})
}

// parseDuration knows days too.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// at is the time that a command takes for now.
func (c *command) at() func() time.Time {
	var at time.Time
	c.Func("at", "", func(text string) (err error) {
		if at, err = time.Parse(time.RFC3339, text); err != nil || at.IsZero() {
			return c.refuse("--at must be a time such as 2026-07-29T14:05:00Z")
		}
		return nil
	})
	return func() time.Time {
		if at.IsZero() {
			return time.Now()
		}
		return at
	}
}

// schedule are the flags that must be what the program has, so that both reckon alike.
func (c *command) schedule() *keys.Config {
	const day = 24 * time.Hour
	s := &keys.Config{
		Period: 30 * day, Propagation: time.Hour, MaxStale: time.Minute, Leeway: time.Minute, Skew: 5 * time.Second,
		MACPeriod: 90 * day, MACLife: 400 * day,
	}
	c.Func("period", "", func(text string) error {
		d, err := parseDuration(text)
		if text == "never" {
			d, err = -1, nil
		}
		if err != nil || d == 0 || d < 0 && text != "never" {
			return c.refuse("--period must be a duration above zero, such as 30d, or never")
		}
		s.Period = d
		return nil
	})
	c.duration(&s.Propagation, "propagation")
	c.duration(&s.MaxStale, "max-stale")
	c.duration(&s.Leeway, "leeway")
	c.duration(&s.Skew, "skew")
	c.duration(&s.MACPeriod, "mac-period")
	c.duration(&s.MACLife, "mac-life")
	if text, ok := os.LookupEnv("WRIT_KEY_PERIOD"); ok {
		var err error
		if s.Period, err = time.ParseDuration(text); err != nil || s.Period <= 0 {
			c.refuse("WRIT_KEY_PERIOD must be a duration above zero, such as 720h")
		}
	}
	if text, ok := os.LookupEnv("WRIT_CLOCK_SKEW"); ok {
		var err error
		if s.Skew, err = time.ParseDuration(text); err != nil || s.Skew <= 0 {
			c.refuse("WRIT_CLOCK_SKEW must be a duration above zero, such as 5s")
		}
	}
	return s
}

// scheduleUsage belongs in the usage of every command that has these flags.
const scheduleUsage = `
These must be what the program's keys.Config has, or both reckon differently. Without
them keygen reckons with the defaults.
    --period TIME       how long a key signs; never: rotated by hand. Default:
                        WRIT_KEY_PERIOD, or else 30d.
    --propagation TIME  until every verifier has seen a new key. Default: 1h.
    --max-stale TIME    how old a program's reading of the ring may be. Default: 1m.
    --leeway TIME       of verifiers, at most. Default: 1m.
    --skew TIME         between clocks, at most. Default: WRIT_CLOCK_SKEW, or else 5s.
    --mac-period TIME   how long a MAC key is the one in use. Default: 90d.
    --mac-life TIME     how long a refresh token may live. Default: 400d.
`

// parse parses flags before and after at most one argument, and returns that; without one, "".
func (c *command) parse(args []string, what string) (string, error) {
	var found []string
	for {
		if err := c.Parse(args); errors.Is(err, flag.ErrHelp) {
			return "", err
		} else if err != nil {
			return "", usageError{fmt.Errorf("an unknown flag, or one without its value: %s has %s", c.Name(), c.names())}
		}
		if args = c.Args(); len(args) == 0 {
			break
		}
		found, args = append(found, args[0]), args[1:]
	}
	switch {
	case c.wrong != nil:
		return "", c.wrong
	case len(found) > 1:
		return "", usageError{fmt.Errorf("more than one %s: name one", what)}
	case len(found) == 1 && found[0] == "":
		return "", usageError{fmt.Errorf("no %s: what stands in its place is empty", what)}
	case len(found) == 1:
		return found[0], nil
	}
	return "", nil
}

func (c *command) names() string {
	var names []string
	c.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
	return strings.Join(names, ", ")
}
