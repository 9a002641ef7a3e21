package token_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

func Example() {
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	pair := key{private} // a keys.Ring in a real program

	issuer, err := token.NewIssuer(token.IssuerConfig{
		Issuer:   "https://login.example",
		Audience: "https://api.example",
		Keys:     pair,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims := token.Claims{Subject: "alice", Scope: []string{"notes"}}
	claims.SetData(map[string]string{"name": "Alice"})
	now := time.Now()
	raw, err := issuer.Issue(claims, now, now.Add(10*time.Minute), now.UnixMicro())
	if err != nil {
		fmt.Println(err)
		return
	}

	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer:      "https://login.example",
		Audience:    "https://api.example",
		Keys:        pair,
		UntilExpiry: true, // a revocation.List in a real program
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := verifier.Verify(context.Background(), raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, _ := token.Data[map[string]string](t)
	fmt.Println(t.Subject(), t.HasScope("notes"), data["name"])

	_, err = verifier.Verify(context.Background(), raw+"x")
	fmt.Println(errors.Is(err, token.ErrInvalid))
	// Output:
	// alice true Alice
	// true
}
