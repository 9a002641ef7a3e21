// Package jwks publishes a key set (RFC 7517), so that others can verify tokens without knowing any
// secret:
//
//	mux.Handle("/.well-known/jwks.json", jwks.Handler(ring))
package jwks

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"time"

	"github.com/writ-go/writ/keys"
)

// maxAge is how long a verifier may go without seeing a new key. It is published long before it
// signs.
const maxAge = "300"

// Marshal writes public keys as a JSON Web Key Set. Private and symmetric keys cannot get in: they
// are other types.
func Marshal(set []*keys.Public) []byte {
	each := make([][]byte, len(set))
	for i, k := range set {
		each[i] = k.JWK()
	}
	return slices.Concat([]byte(`{"keys":[`), bytes.Join(each, []byte(",")), []byte("]}"))
}

// Handler serves the ring's public keys to GET and HEAD, retired ones included. Caches may keep the
// answer for 5 minutes; a strong ETag makes asking again cheap. It answers 503 rather than an empty
// set, which some verifiers would take for "every key is gone".
func Handler(r *keys.Ring) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		set := r.Publics()
		if len(set) == 0 {
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Retry-After", "5")
			http.Error(w, "the key set is unavailable", http.StatusServiceUnavailable)
			return
		}
		body := Marshal(set)
		sum := sha256.Sum256(body)
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age="+maxAge)
		w.Header().Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"`)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(body)) // answers If-None-Match
	})
}
