package token

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/keys"
)

// MaxTTL is the longest life of an access token: no Issuer signs a longer one and no Verifier
// accepts it. Revocations are kept that long and as long as clocks may differ.
const MaxTTL = time.Hour

// latest is the last second of the year 9999; a date beyond it is a mistake or an attack.
const latest = 253402300799

// maxStamp keeps "ist" exact for readers whose numbers are doubles. It lasts until 2255.
const maxStamp = 1 << 53

// wire is the payload as it stands in a token: RFC 7519, RFC 9068, and "ist" and "data" of ours.
// Dates are doubles because RFC 7519 allows fractions; zero stands for a missing date, so that a
// date of 0 is never "no limit".
type wire struct {
	Issuer    string         `json:"iss"`
	Subject   string         `json:"sub"`
	Audience  audience       `json:"aud"`
	Expires   float64        `json:"exp"`
	NotBefore float64        `json:"nbf"`
	IssuedAt  float64        `json:"iat"`
	ID        string         `json:"jti"`
	ClientID  string         `json:"client_id"`
	SessionID string         `json:"sid"`
	Scope     string         `json:"scope"`
	AuthTime  float64        `json:"auth_time"`
	ACR       string         `json:"acr"`
	AMR       []string       `json:"amr"`
	Actor     *actor         `json:"act"`
	Stamp     int64          `json:"ist"`
	Data      jsontext.Value `json:"data"`
	Bound     jsontext.Value `json:"cnf"`

	AuthorizedParty string `json:"azp"` // of OpenID Connect; see Foreign

	object string  // Data, of a wire that was made or read by plainClaims
	claims []claim // those of Foreign.Claims
}

type actor struct {
	Subject string `json:"sub"`
}

// audience is one string or an array of them (RFC 7519 section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		*a = make(audience, 1)
		return jsonv2.UnmarshalDecode(d, &(*a)[0])
	}
	if d.PeekKind() != '[' {
		return errors.New("aud is neither a string nor an array")
	}
	var values []*string // a null among them must not become an empty string
	if err := jsonv2.UnmarshalDecode(d, &values); err != nil {
		return err
	}
	for _, s := range values {
		if s == nil {
			return errors.New("aud has a null")
		}
		*a = append(*a, *s)
	}
	return nil
}

// decodeClaims decodes a payload whose signature was verified, and applies every rule that does not
// depend on who asks and when, but for what f gives up. Names are case-sensitive; duplicates and broken UTF-8 are refused.
func decodeClaims(payload string, f Foreign) (wire, error) {
	w, ok := plainClaims(payload)
	var members map[string]jsontext.Value // a plain one has none that is not known
	if !ok {
		var err error
		if w, members, err = strictClaims(payload); err != nil {
			return wire{}, err
		}
	}
	w.claims = f.keep(members)
	f.complete(&w)
	return w, w.check(f)
}

// strictClaims returns all members of the payload, too, as they stand there.
func strictClaims(text string) (w wire, members map[string]jsontext.Value, err error) {
	payload := []byte(text)
	if jsontext.Value(payload).Kind() != '{' || jsonv2.Unmarshal(payload, &w) != nil || jsonv2.Unmarshal(payload, &members) != nil {
		return wire{}, nil, ErrMalformed // the decoder's own error may quote the token
	}
	// To the decoder null is as good as absent, and a claim that says nothing is not to mean anything.
	for name, value := range members {
		if value.Kind() == 'n' && known[name] {
			return wire{}, nil, fmt.Errorf("%w: claim %q is null", ErrMalformed, name)
		}
	}
	return w, members, nil
}

// known are the names of the claims that are read.
var known = func() map[string]bool {
	names := map[string]bool{}
	for i := range reflect.TypeFor[wire]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[wire]().Field(i).Tag.Get("json"), ",")
		names[name] = name != "" // object has none
	}
	return names
}()

func (w *wire) check(f Foreign) error {
	for _, c := range []struct {
		name, value string
		optional    bool
	}{
		{"iss", w.Issuer, false}, {"sub", w.Subject, false}, {"jti", w.ID, f.WithoutID}, {"client_id", w.ClientID, f.WithoutClientID},
	} {
		if c.value == "" && !c.optional {
			return fmt.Errorf("%w: claim %q is missing", ErrMalformed, c.name)
		}
	}
	for _, d := range []struct {
		name     string
		value    float64
		required bool
	}{
		{"exp", w.Expires, true}, {"iat", w.IssuedAt, true}, {"nbf", w.NotBefore, false}, {"auth_time", w.AuthTime, false},
	} {
		if d.value < 0 || d.value > latest || d.required && d.value < 1 {
			return fmt.Errorf("%w: claim %q is missing or no date", ErrMalformed, d.name)
		}
	}
	if w.Stamp <= 0 || w.Stamp >= maxStamp {
		return fmt.Errorf("%w: claim \"ist\" is missing or no stamp", ErrMalformed)
	}
	if life := w.Expires - w.IssuedAt; life <= 0 || life > f.maxTTL().Seconds() {
		return fmt.Errorf("%w: it must live longer than nothing and at most %s", ErrMalformed, f.maxTTL())
	}
	if w.Actor != nil && w.Actor.Subject == "" { // an impersonation must not look like the subject
		return fmt.Errorf("%w: claim \"act\" names nobody", ErrMalformed)
	}
	if slices.Contains(w.AMR, "") {
		return fmt.Errorf("%w: claim \"amr\" has an empty method", ErrMalformed)
	}
	if w.Data != nil && w.Data.Kind() != '{' {
		return fmt.Errorf("%w: claim \"data\" is no object", ErrMalformed)
	}
	if w.Bound != nil {
		return ErrBound
	}
	return nil
}

func (w *wire) verified(key *keys.Public, kid string) *Verified {
	v := &Verified{
		issuer:    w.Issuer,
		subject:   w.Subject,
		sessionID: w.SessionID,
		clientID:  w.ClientID,
		id:        w.ID,
		kid:       kid,
		scope:     w.Scope,
		acr:       w.ACR,
		amr:       w.AMR,
		stamp:     w.Stamp,
		notBefore: date(math.Ceil(max(w.NotBefore, w.IssuedAt))),
		issued:    date(w.IssuedAt),
		expires:   date(w.Expires),
		authTime:  date(w.AuthTime),
		object:    cmp.Or(w.object, string(w.Data)),
		claims:    w.claims,
		key:       key,
	}
	if w.Actor != nil {
		v.actor = w.Actor.Subject
	}
	return v
}

// date drops a fraction: a token ends early by less than a second, never late. That it may begin
// early too is what notBefore rounds up for.
func date(seconds float64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}
