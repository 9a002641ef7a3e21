package main

import "context"

// contender is a library that verifies and signs the tokens of one suite.
type contender struct {
	name string
	// verify returns the subject of a token that is good: of this algorithm and key, of the issuer,
	// for the audience, and neither expired nor from the future, without any leeway.
	verify func(raw string) (subject string, err error)
	// sign signs a token for the subject that is good now: a fresh jti and fresh dates. It is nil
	// where another contender of the same library signs.
	sign   func() (string, error)
	signer string // its name
}

// contenders are all that are compared. What writ's remember is remembered until ctx ends.
func contenders(ctx context.Context, s *suite) ([]contender, error) {
	all, err := writTokens(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, open := range []func(*suite) ([]contender, error){golangJWT, goJOSE, jwxTokens, kataras} {
		some, err := open(s)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
