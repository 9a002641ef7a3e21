// Command keygen makes and inspects the signing keys of writ. Run it without arguments for help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/writ-go/writ/keys"
)

const usage = `Usage:
    keygen new --issuer URL [--alg ALG] [--max-ttl TIME] [--clear] [DIR]
    keygen public [--pem] [DIR]
    keygen status [--json] [DIR]

DIR is the directory that holds the key ring. Default: WRIT_KEYS.

new makes a ring with one signing key, active at once. It never overwrites one.
    --issuer URL    whose keys these are, exactly as in tokens. Default: WRIT_ISSUER.
    --alg ALG       ES256 (default), EdDSA or Ed25519 (its newer name).
    --max-ttl TIME  longest lifetime of a token that the key may sign. Default: 1h.
    --clear         leave the private keys unencrypted: who reads DIR can forge tokens.
                    The same as WRIT_KEYS_IN_CLEAR=true.
Without --clear the private keys are encrypted under WRIT_SECRET, or under the
content of the file WRIT_SECRET_FILE: at least 32 random characters.

public prints the public keys as a JSON Web Key Set, or as PEM.

status prints what every key is doing. Neither needs the secret.

The exit status is 0, 1 after a failure, or 2 for a mistake in the command line.

Examples:
    $ (umask 077; openssl rand -base64 32 > writ.secret)
    $ export WRIT_SECRET_FILE=writ.secret WRIT_KEYS=ring
    $ keygen new --issuer https://app.example
    $ keygen status
    $ keygen public > jwks.json
`

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
	var wrong usageError
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
	case errors.As(err, &wrong):
		fmt.Fprintf(os.Stderr, "keygen: %v\nRun \"keygen --help\" for help.\n", err)
		os.Exit(2)
	default:
		fmt.Fprintf(os.Stderr, "keygen: %v\n", err)
		os.Exit(1)
	}
}

// usageError is a mistake in the command line.
type usageError struct{ error }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return usageError{errors.New("no command: use new, public or status")}
	}
	switch name, args := args[0], args[1:]; name {
	case "new":
		return runNew(ctx, args, stderr)
	case "public":
		return runPublic(ctx, args, stdout)
	case "status":
		return runStatus(ctx, args, stdout)
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	default:
		return usageError{fmt.Errorf("unknown command %q: use new, public or status", name)}
	}
}

func newFlags(command string) *flag.FlagSet {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parseDir parses flags before and after the one argument DIR, and returns that or WRIT_KEYS.
func parseDir(flags *flag.FlagSet, args []string) (string, error) {
	var dirs []string
	for {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return "", err
		} else if err != nil {
			return "", usageError{err}
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		dirs, args = append(dirs, args[0]), args[1:]
	}
	switch {
	case len(dirs) > 1:
		return "", usageError{fmt.Errorf("more than one directory: %q", dirs)}
	case len(dirs) == 1 && dirs[0] != "":
		return dirs[0], nil
	case len(dirs) == 0 && os.Getenv("WRIT_KEYS") != "":
		return os.Getenv("WRIT_KEYS"), nil
	}
	return "", usageError{errors.New("no directory: name the ring's directory, or set WRIT_KEYS")}
}

func noRing(dir string) error {
	return fmt.Errorf("no ring in %v: make one with: keygen new", keys.Dir(dir))
}
