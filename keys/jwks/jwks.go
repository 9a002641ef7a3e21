package jwks

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/writ-go/writ/keys"
)

// A cache may keep the set until it will next change, but for maxAge at most: in an emergency it changes
// when nobody expects it. It is published long before a key signs, so that minAge spares a burst of
// requests at the moment of the change, and costs nothing.
const (
	maxAge = 5 * time.Minute
	minAge = 10 * time.Second
)

// Marshal writes public keys as a JSON Web Key Set. It leaves symmetric keys out; a private key cannot
// get in.
func Marshal(set []*keys.Public) []byte {
	var each [][]byte
	for _, k := range set {
		if jwk := k.JWK(); jwk != nil {
			each = append(each, jwk)
		}
	}
	return slices.Concat([]byte(`{"keys":[`), bytes.Join(each, []byte(",")), []byte("]}"))
}

// Handler serves the ring's public keys to GET and HEAD, pending and retired ones included. Caches may
// keep the answer for 5 minutes, or until the set is due to change if that is sooner; a strong ETag makes asking again cheap. It never answers with an empty set,
// which some verifiers would take for "every key is gone", but with 503 if the ring has no key to show
// for now or is too old to be trusted, and with 404 if all its keys are symmetric. A request with
// Cache-Control: no-cache has the ring read anew, if there are not too many of them.
func Handler(r *keys.Ring) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		if noCache(req) {
			r.ReadAnew(req.Context()) // who asks like that has seen a key that this node may not have yet
		}
		set := r.Publics()
		switch {
		case len(set) == 0 || r.Ready() != nil: // a key in it may have been replaced long ago
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Retry-After", "5")
			http.Error(w, "the key set is unavailable", http.StatusServiceUnavailable)
			return
		case !slices.ContainsFunc(set, func(k *keys.Public) bool { return !k.Symmetric() }):
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "this issuer signs with a shared secret and has no public keys", http.StatusNotFound)
			return
		}
		body := Marshal(set)
		sum := sha256.Sum256(body)
		w.Header().Set("Content-Type", "application/jwk-set+json")
		age := maxAge
		if now := time.Now(); !r.NextChange(now).IsZero() {
			age = min(age, max(minAge, r.NextChange(now).Sub(now)))
		}
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", age/time.Second))
		w.Header().Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"`)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(body)) // answers If-None-Match
	})
}

func noCache(r *http.Request) bool {
	for _, value := range r.Header.Values("Cache-Control") {
		for directive := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-cache") {
				return true
			}
		}
	}
	return false
}
