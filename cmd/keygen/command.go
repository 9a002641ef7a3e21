package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
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

// boolean is Bool, which would repeat a value that it cannot read.
func (c *command) boolean(name string) *bool {
	value := new(bool)
	c.BoolFunc(name, "", func(text string) (err error) {
		if *value, err = strconv.ParseBool(text); err != nil {
			c.wrong = fmt.Errorf("--%s must be true or false, if it has a value", name)
		}
		return nil
	})
	return value
}

// parse parses flags before and after the one argument DIR, and returns that or WRIT_KEYS.
func (c *command) parse(args []string) (string, error) {
	var dirs []string
	for {
		if err := c.Parse(args); errors.Is(err, flag.ErrHelp) {
			return "", err
		} else if err != nil {
			return "", usageError{fmt.Errorf("an unknown flag, or one without its value: %s has %s", c.Name(), c.names())}
		}
		if args = c.Args(); len(args) == 0 {
			break
		}
		dirs, args = append(dirs, args[0]), args[1:]
	}
	switch {
	case c.wrong != nil:
		return "", usageError{c.wrong}
	case len(dirs) > 1:
		return "", usageError{errors.New("more than one directory: name one")}
	case len(dirs) == 1 && dirs[0] != "":
		return dirs[0], nil
	case len(dirs) == 0 && os.Getenv("WRIT_KEYS") != "":
		return os.Getenv("WRIT_KEYS"), nil
	}
	return "", usageError{errors.New("no directory: name the ring's directory, or set WRIT_KEYS")}
}

func (c *command) names() string {
	var names []string
	c.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
	return strings.Join(names, ", ")
}
