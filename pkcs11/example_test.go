package pkcs11_test

import (
	"context"
	"log"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/pkcs11"
)

func ExampleOpen() {
	ctx := context.Background()
	custodian, err := pkcs11.Open(pkcs11.Config{
		Module: "/usr/lib/softhsm/libsofthsm2.so",
		Token:  "writ",
		PIN:    pkcs11.PINFile("/run/secrets/pin"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer custodian.Close()

	secret, err := keys.ReadSecretFile("/run/secrets/ring")
	if err != nil {
		log.Fatal(err)
	}
	wrapper, err := keys.Secret(secret)
	if err != nil {
		log.Fatal(err)
	}
	dropped := make(chan string, 16)
	ring, err := keys.Open(ctx, keys.Config{
		Issuer:    "https://app.example",
		Vault:     keys.Dir("ring"),
		Wrapper:   wrapper,
		Custodian: custodian,
		Observe: func(e keys.RingEvent) {
			if e.Kind == keys.KeyWiped && e.Ref != "" {
				dropped <- e.Ref
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for ref := range dropped {
			if err := custodian.Destroy(ctx, ref); err != nil {
				log.Println(err)
			}
		}
	}()
	log.Println(ring.Run(ctx))
}
