package jwks_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

func ExampleRemote() {
	remote, err := jwks.NewRemote(jwks.RemoteConfig{
		CacheDir: "", // name a directory to start while the issuer is down
		Issuers: []jwks.RemoteIssuer{{
			Issuer:     "https://login.example",
			URL:        "https://login.example/.well-known/jwks.json",
			Algorithms: []keys.Algorithm{keys.ES256},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	go remote.Run(ctx) // after remote.Load, which waits for the first set
	stop()             // when the service ends

	_, err = remote.Public("https://elsewhere.example", "2026-05")
	fmt.Println(errors.Is(err, keys.ErrUnknown)) // not an issuer of ours: 401
	_, err = remote.Public("https://login.example", "2026-05")
	fmt.Println(errors.Is(err, keys.ErrUnavailable)) // no set yet: 503
	// Output:
	// true
	// true
}
