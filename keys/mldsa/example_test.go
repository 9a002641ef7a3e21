package mldsa_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/mldsa"
)

func Example() {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "ring")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(home)

	wrapper, err := keys.Secret([]byte("q8GJb0cQv1rT5mXzN3uYw7eKp2LsHd9f")) // a test secret: use keys.ReadSecretFile
	if err != nil {
		log.Fatal(err)
	}
	ring, err := keys.Open(ctx, keys.Config{
		Issuer:    "https://app.example",
		Vault:     keys.Dir(filepath.Join(home, "ring")),
		Wrapper:   wrapper,
		Algorithm: mldsa.MLDSA44,
	})
	if err != nil {
		log.Fatal(err)
	}
	// In a program: go func() { log.Println(ring.Run(ctx)) }()

	key, err := ring.Signing()
	if err != nil {
		log.Fatal(err)
	}
	signature, err := key.Sign([]byte("message"))
	if err != nil {
		log.Fatal(err)
	}
	public, err := ring.Public("https://app.example", key.ID())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Algorithm().Name(), len(signature), public.Verify([]byte("message"), signature))
	// Output: ML-DSA-44 2420 <nil>
}
