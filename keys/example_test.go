package keys_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/writ-go/writ/keys"
)

func ExampleOpen() {
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
		Issuer:  "https://app.example",
		Vault:   keys.Dir(filepath.Join(home, "ring")),
		Wrapper: wrapper,
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
	fmt.Println(key.Algorithm().Name(), key.MaxTTL(), public.Verify([]byte("message"), signature))
	// Output: ES256 1h0m0s <nil>
}

func ExampleGenerate() {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		log.Fatal(err)
	}
	signature, err := key.Sign([]byte("message"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Public().Verify([]byte("message"), signature))
	fmt.Println(key.Public().Verify([]byte("another message"), signature))
	// Output:
	// <nil>
	// keys: signature does not verify
}

func ExampleParseJWK() {
	key, err := keys.ParseJWK(keys.EdDSA, []byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key)
	// Output: EdDSA key kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
}

func ExampleInspect() {
	info, err := keys.Inspect(context.Background(), keys.Dir("no/such/directory"), time.Now())
	fmt.Println(info, err)
	// Output: <nil> <nil>
}
