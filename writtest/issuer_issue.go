package writtest

import (
	"cmp"
	"encoding/base64"
	"maps"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// Token says what a token is to be like. The zero Token is a good one; each field may make it another's,
// or no good.
type Token struct {
	// Claims are those of a session that begins with the token. An empty Subject becomes "user".
	Claims token.Claims
	// Audience is who it is for. Default: the issuer's Config.Audience.
	Audience string
	// IssuedAt is when it began to be good. Default: now. In the past, the token may have expired; in the
	// future, it is not yet valid.
	IssuedAt time.Time
	// TTL is how long it lives. Default: the issuer's Config.AccessTTL.
	TTL time.Duration
	// Key signs in place of the issuer's, under the kid of the issuer's: a forgery. For a token that names
	// a key which the issuer does not have, change the kid in Header.
	Key *keys.Private
	// Header and Payload change members, by name, or take them away with nil: {"typ": "JWT", "kid": nil}.
	// Dates are numbers, in seconds since 1970.
	Header, Payload map[string]any
}

// Issue starts a session and returns its access token, changed as k says and then signed anew.
func (i *Issuer) Issue(k Token) string {
	i.t.Helper()
	k.Claims.Subject = cmp.Or(k.Claims.Subject, "user")
	pair, err := i.Manager.Start(i.t.Context(), writ.Login{
		Subject: k.Claims.Subject,
		Claims:  k.Claims,
		Client:  token.Client{ID: k.Claims.ClientID},
	})
	if err != nil {
		i.t.Fatalf("writtest: %v", err)
	}
	header, payload := parts(pair.Access)
	changes := k.changes(payload)
	maps.Copy(changes, k.Payload)
	if len(changes) == 0 && len(k.Header) == 0 && k.Key == nil {
		return pair.Access
	}
	key := i.signing()
	names := map[string]any{"kid": key.ID(), "alg": key.Algorithm().Name()}
	if k.Key != nil {
		key = k.Key
		names["alg"] = key.Algorithm().Name()
	}
	maps.Copy(names, k.Header)
	for _, err := range []error{change(header, names), change(payload, changes)} {
		if err != nil {
			i.t.Fatalf("writtest: Token: %v", err)
		}
	}
	raw, err := sign(header, payload, key)
	if err != nil {
		i.t.Fatalf("writtest: Token: %v", err)
	}
	return raw
}

// changes is what a session's first token cannot say.
func (k *Token) changes(payload members) map[string]any {
	changes := map[string]any{}
	if k.Claims.SessionID != "" {
		changes["sid"] = k.Claims.SessionID
	}
	if !k.Claims.AuthTime.IsZero() {
		changes["auth_time"] = k.Claims.AuthTime.Unix()
	}
	if k.Audience != "" {
		changes["aud"] = k.Audience
	}
	from, until := payload.date("iat"), payload.date("exp")
	life := time.Duration(until-from) * time.Second
	if !k.IssuedAt.IsZero() {
		from = k.IssuedAt.Unix()
		changes["iat"], changes["nbf"], changes["ist"] = from, from, k.IssuedAt.UnixMicro()
	}
	if !k.IssuedAt.IsZero() || k.TTL != 0 {
		changes["exp"] = from + int64(cmp.Or(k.TTL, life)/time.Second)
	}
	return changes
}

// members is a JSON object.
type members map[string]jsontext.Value

func (m members) date(name string) (seconds int64) {
	jsonv2.Unmarshal(m[name], &seconds)
	return seconds
}

func change(m members, changes map[string]any) error {
	for name, value := range changes {
		if value == nil {
			delete(m, name)
			continue
		}
		b, err := jsonv2.Marshal(value, jsonv2.Deterministic(true))
		if err != nil {
			return err
		}
		m[name] = b
	}
	return nil
}

// parts reads the header and the payload of a token of this issuer.
func parts(raw string) (header, payload members) {
	segments := strings.Split(raw, ".")
	for at, m := range []*members{&header, &payload} {
		b, _ := base64.RawURLEncoding.DecodeString(segments[at])
		jsonv2.Unmarshal(b, m)
	}
	return header, payload
}

// sign writes a token that may break every rule but the form (RFC 7515 section 7.1).
func sign(header, payload members, key *keys.Private) (string, error) {
	var segments []string
	for _, m := range []members{header, payload} {
		b, err := jsonv2.Marshal(m, jsonv2.Deterministic(true))
		if err != nil {
			return "", err
		}
		segments = append(segments, base64.RawURLEncoding.EncodeToString(b))
	}
	message := strings.Join(segments, ".")
	signature, err := key.Sign([]byte(message))
	if err != nil {
		return "", err
	}
	return message + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
