package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/writ-go/writ/fromenv"
	"github.com/writ-go/writ/store/postgres"
	"github.com/writ-go/writ/store/redis"
	"github.com/writ-go/writ/store/sqlite"
)

const usage = `Usage:
    keygen COMMAND [flags] [RING]
    keygen help COMMAND

Commands:
    new        make a ring with its first key
    status     show every key and when it signs, as a table and as a timeline
    doctor     look for everything that is unsafe, and say what to do about it
    rotate     let a new key take over: routine, or emergency
    retire     let a successor take over from one key
    prune      wipe and remove what has had its time
    public     print the public keys, as a JSON Web Key Set or as PEM
    import     put in a private key from elsewhere
    export     take out a private key, unencrypted
    inspect    show what a token says, and why it is good or not

RING is the directory that holds the key ring, or the URL of the session store that
does, such as sqlite:sessions.db or postgres://USER@HOST/DATABASE. Default: WRIT_KEYS, or else WRIT_STORE.

The ring is encrypted under a secret, at least 32 random characters. It comes from
WRIT_SECRET, from the file WRIT_SECRET_FILE, or from --secret-file FILE; never from the
command line, which everybody on the machine can read. --clear (WRIT_KEYS_IN_CLEAR=true)
is for a ring without encryption: who reads it can forge tokens.

If WRIT_ISSUER is set, the ring must be for it.

The exit status is 0, 1 after a failure, or 2 for a mistake in the command line.

Examples:
    $ (umask 077; openssl rand -base64 32 > writ.secret)
    $ export WRIT_SECRET_FILE=writ.secret WRIT_KEYS=ring
    $ keygen new --issuer https://app.example
    $ keygen status
    $ keygen public > jwks.json
`

func main() {
	t := &tool{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		stores: stores,
	}
	os.Exit(t.main(context.Background(), os.Args[1:]))
}

// stores are those of package store that other processes can see.
var stores = fromenv.Stores{
	"sqlite":          sqlite.OpenURL,
	"postgres":        postgres.OpenURL,
	"redis":           redis.OpenURL,
	"rediss":          redis.OpenURL,
	"redis+cluster":   redis.OpenURL,
	"rediss+cluster":  redis.OpenURL,
	"redis+sentinel":  redis.OpenURL,
	"rediss+sentinel": redis.OpenURL,
}

// tool is where commands read from and write to.
type tool struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	stores         fromenv.Stores
}

// errProblems is for a command that has printed what is wrong.
var errProblems = errors.New("there are problems")

// usageError is a mistake in the command line.
type usageError struct{ error }

// verb is one command.
type verb struct {
	name, usage string
	run         func(*tool, context.Context, []string) error
}

func verbs() []verb {
	return []verb{
		{"new", newUsage, (*tool).makeRing},
		{"status", statusUsage, (*tool).status},
		{"doctor", doctorUsage, (*tool).doctor},
		{"rotate", rotateUsage, (*tool).rotate},
		{"retire", retireUsage, (*tool).retire},
		{"prune", pruneUsage, (*tool).prune},
		{"public", publicUsage, (*tool).public},
		{"import", importUsage, (*tool).importKey},
		{"export", exportUsage, (*tool).exportKey},
		{"inspect", inspectUsage, (*tool).inspect},
	}
}

// main runs a command and returns the exit status.
func (t *tool) main(ctx context.Context, args []string) int {
	v, err := t.run(ctx, args)
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(t.stdout, v.usage)
		return 0
	case errors.Is(err, errProblems):
		return 1
	case errors.As(err, &wrong):
		fmt.Fprintf(t.stderr, "keygen: %v\nRun \"%s\" for help.\n", err, strings.TrimSpace("keygen help "+v.name))
		return 2
	default:
		fmt.Fprintf(t.stderr, "keygen: %v\n", err)
		return 1
	}
}

// run also returns what command it was, for its usage.
func (t *tool) run(ctx context.Context, args []string) (verb, error) {
	all := verb{usage: usage}
	if len(args) == 0 {
		return all, usageError{errors.New("no command: use " + names())}
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(rest) == 0 {
			return all, flag.ErrHelp
		}
		name, rest = rest[0], []string{"--help"}
	}
	for _, v := range verbs() {
		if v.name == name {
			return v, v.run(t, ctx, rest)
		}
	}
	return all, usageError{errors.New("unknown command: use " + names())}
}

func names() string {
	var list []string
	for _, v := range verbs() {
		list = append(list, v.name)
	}
	return strings.Join(list, ", ")
}
