// Command keygen makes and inspects the signing keys of writ. Run keygen --help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `Usage:
    keygen new --issuer URL [--alg ALG] [--max-ttl TIME] [--clear] [DIR]
    keygen public [--pem] [--clear] [DIR]
    keygen status [--json] [--clear] [DIR]

DIR is the directory that holds the key ring. Default: WRIT_KEYS.

new makes a ring with one signing key, active at once. It never overwrites one.
    --issuer URL    whose keys these are, exactly as in tokens. Default: WRIT_ISSUER.
    --alg ALG       ES256 (default), ES384, ES512, EdDSA or Ed25519 (its newer name),
                    RS256, RS384, RS512, PS256, PS384, PS512, or, for one service only,
                    HS256, HS384, HS512: who can verify can also sign.
    --max-ttl TIME  longest lifetime of a token that the key may sign. Default: 1h.
    --clear         leave the private keys unencrypted: who reads DIR can forge tokens.
                    The same as WRIT_KEYS_IN_CLEAR=true.
Without --clear the private keys are encrypted under WRIT_SECRET, or under the
content of the file WRIT_SECRET_FILE: at least 32 random characters.

public prints the public keys as a JSON Web Key Set, or as PEM.

status prints what every key is doing.

Both open the ring as the program does, with the secret or --clear, and check that
it is for WRIT_ISSUER, if that is set. Without a secret they print what DIR says,
and warn: whoever can write to it may have put in keys of their own.

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
		return runPublic(ctx, args, stdout, stderr)
	case "status":
		return runStatus(ctx, args, stdout, stderr)
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	default:
		return usageError{errors.New("unknown command: use new, public or status")}
	}
}
