package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/writ-go/writ/internal/servers"
)

// The ring of a fleet is in its database.
func TestARingInAServer(t *testing.T) {
	t.Setenv("WRIT_SECRET", "q8GJb0cQv1rT5mXzN3uYw7eKp2LsHd9f") // a test secret
	for name, ring := range map[string]func() string{
		"postgres": func() string {
			p := servers.Postgres(t)
			return strings.Replace(p.URL(), "writ@", "writ:canary-password@", 1)
		},
		"redis": func() string { return servers.Redis(t).URL() + "?prefix=canary" },
	} {
		t.Run(name, func(t *testing.T) {
			url := ring()
			run := func(want int, args ...string) string {
				t.Helper()
				var out bytes.Buffer
				k := &tool{stdin: strings.NewReader(""), stdout: &out, stderr: &out, stores: stores}
				if got := k.main(t.Context(), append(args, url)); got != want {
					t.Fatalf("keygen %s: status %d, want %d: %s", args[0], got, want, strings.ReplaceAll(out.String(), url, "URL"))
				}
				if strings.Contains(out.String(), "canary") {
					t.Errorf("keygen %s prints what stands in the URL", args[0])
				}
				return out.String()
			}
			run(1, "status")
			run(0, "new", "--issuer", "https://app.example")
			run(1, "new", "--issuer", "https://app.example")
			if got := run(0, "status"); !strings.Contains(got, "https://app.example") {
				t.Errorf("status names no issuer: %s", got)
			}
			run(0, "rotate")
			if got := run(0, "public"); !strings.Contains(got, `"kty"`) {
				t.Error("no public keys")
			}
		})
	}
}
