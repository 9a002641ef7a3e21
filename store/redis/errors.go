package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

var (
	errClosed = errors.New("the store is closed")
	errOwner  = errors.New("the owner of a row never changes")
	errAnswer = errors.New("the server's answer is not what this package expects: something else uses the keys")
	errFormat = errors.New("another version of writ has written the data under this prefix: run that version, or choose another prefix")
	errUnsure = errors.New("the answer was lost, and the row has been written since, perhaps by this call: try again")
	errClient = errors.New("set Client to a *redis.Client or a *redis.ClusterClient")
	// errGone is no "not found": whoever reads the log takes it for a loss, and begins it anew.
	errGone = errors.New("the server has no data of this store any more: it was emptied, or it is another server")
)

// advice is what the codes that Redis sends mean here. All of them are reasons to try again.
var advice = map[string]string{
	"LOADING":     "the server is starting and still reads its data",
	"READONLY":    "the server is a replica: a failover goes on, or the address is a replica's",
	"MASTERDOWN":  "the server is a replica that has lost its primary",
	"CLUSTERDOWN": "the cluster is down",
	"TRYAGAIN":    "the cluster is moving the store's slot",
	"MOVED":       "the cluster has moved the store's slot",
	"ASK":         "the cluster is moving the store's slot",
	"CROSSSLOT":   "the keys are not in one slot: something between alters them",
	"OOM":         "the server's memory is full: raise maxmemory",
	"MISCONF":     "the server cannot write to its disk: see its log",
	"NOREPLICAS":  "the server has fewer replicas than its min-replicas-to-write",
	"BUSY":        "the server is busy with a script",
	"NOAUTH":      "the server wants a password",
	"WRONGPASS":   "the server refuses the name or the password",
	"NOPERM":      "the user may not run the command or use the keys: see the package documentation on rights",
	"WRONGTYPE":   "something else uses keys of this prefix: choose another prefix",
	"NOPROTO":     "the server does not speak RESP2",
	"EXECABORT":   "the server refused a transaction",
	"UNKILLABLE":  "the server is busy with a script",
}

// broken says what went wrong without repeating what the server or the driver said: both may quote
// arguments, and so rows. A context's error is passed on only if it is of the caller's ctx: a pool
// also hands out the errors of others' connections.
func (s *Store) broken(ctx context.Context, err error) error {
	var answer redis.Error
	var own ownError
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case s.isClosed():
		return errClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &own):
		return own
	case errors.Is(err, redis.Nil): // of a Sentinel; our scripts answer no nil
		return errors.New("no Sentinel knows a primary of that name")
	case errors.As(err, &answer):
		return refused(answer.Error())
	case errors.As(err, &certificate):
		return certificate
	case errors.As(err, &alert):
		return alert
	case errors.As(err, &record):
		return errors.New("the server does not speak TLS")
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return errors.New("no connection was free in time")
	case errors.Is(err, redis.ErrClosed):
		return errors.New("the Client is closed")
	case errors.As(err, &network) && !network.Timeout():
		return network
	case isTimeout(err):
		return fmt.Errorf("the server did not answer in time (Timeout is %s)", s.config.Timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection")
	}
	return errors.New("the connection failed, or an answer could not be understood")
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, &t) && t.Timeout()
}

// refused says why the server refused a command, by the code that its message begins with. Redis 6
// puts the code of what happened in a script into the middle.
func refused(message string) error {
	code, _, _ := strings.Cut(message, " ")
	if known, ok := advice[code]; ok {
		return fmt.Errorf("%s (%s)", known, code)
	}
	if strings.HasPrefix(message, "ERR Error running script") || strings.HasPrefix(message, "ERR user_script") {
		for code, known := range advice {
			if strings.Contains(message, " -"+code+" ") || strings.Contains(message, ": "+code+" ") {
				return fmt.Errorf("%s (%s)", known, code)
			}
		}
	}
	for begin, known := range map[string]string{
		"ERR max number of clients":                      "the server has its maxclients connections",
		"ERR unknown command":                            "the server, or something before it, does not know a command: scripts are needed",
		"ERR The user executing the script":              advice["NOPERM"] + " (NOPERM)",
		"ERR invalid password":                           "the server refuses the password",
		"ERR DB index":                                   "the server has no database of that number",
		"ERR AUTH":                                       "the server has no password set, and one was given",
		"ERR Client sent AUTH":                           "the server has no password set, and one was given",
		"ERR This instance has cluster support disabled": "the server is not of a cluster",
	} {
		if strings.HasPrefix(message, begin) {
			return errors.New(known)
		}
	}
	if strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		code = "no code"
	}
	return fmt.Errorf("the server refused the command (%s)", code)
}

// ownError is of this package and may be shown, wherever the driver has wrapped it.
type ownError struct{ error }

func (e ownError) Unwrap() error { return e.error }

// failed says which operation failed.
func failed(operation string, err error) error {
	return fmt.Errorf("redis: %s: %w", operation, err)
}
