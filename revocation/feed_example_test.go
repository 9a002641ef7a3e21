package revocation_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
)

// theRing stands for a keys.Ring and, where it is read, for a jwks.Remote.
type theRing struct{ *keys.Private }

func (r theRing) Signing() (*keys.Private, error)             { return r.Private, nil }
func (r theRing) Public(string, string) (*keys.Public, error) { return r.Private.Public(), nil }

func ExampleHandler() {
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	ring, key := theRing{private}, make([]byte, 32) // the same bytes on all nodes
	rand.Read(key)
	list := revocation.NewList(revocation.Config{Source: newSource()}) // a store in a real program
	handler, err := revocation.NewHandler(revocation.HandlerConfig{
		List:   list,
		Key:    key,
		Keys:   ring,
		Issuer: "https://login.example",
		Allow:  func(r *http.Request) bool { return r.Header.Get("Authorization") != "" }, // your rule
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := list.Load(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/revocations", handler)
	server := &http.Server{Handler: mux}
	server.RegisterOnShutdown(handler.Drain)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/revocations", nil))
	fmt.Println(w.Code)
	// Output: 403
}

func ExampleFeed() {
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	ring := theRing{private}
	server, authorities := exampleIssuer(ring)
	defer server.Close()

	feed, err := revocation.NewFeed(revocation.FeedConfig{
		URL:     server.URL + "/revocations",
		Issuer:  "https://login.example",
		Keys:    ring, // a jwks.Remote in a real program
		RootCAs: authorities,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	list := revocation.NewList(revocation.Config{Source: feed})
	if err := list.Load(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	// go list.Run(ctx), and give the list to token.VerifierConfig.Revocations
	fmt.Println(list.Before(revocation.Session, "a session") == revocation.Ended)
	// Output: true
}

func exampleIssuer(ring theRing) (*httptest.Server, *x509.CertPool) {
	list := revocation.NewList(revocation.Config{Source: newSource(revocation.Entry{
		Kind: revocation.Session, ID: "a session", Before: revocation.Ended, Expires: time.Now().Add(time.Hour),
	})})
	if err := list.Load(context.Background()); err != nil {
		panic(err)
	}
	handler, err := revocation.NewHandler(revocation.HandlerConfig{
		List: list, Key: make([]byte, 32), Keys: ring, Issuer: "https://login.example", Public: true,
	})
	if err != nil {
		panic(err)
	}
	server := httptest.NewTLSServer(handler)
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	return server, authorities
}
