package jwks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

// The public halves of the published test keys of RFC 7515 appendix A.3 and RFC 8037 appendix A.2.
const (
	ecJWK = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	edJWK = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)

// with adds members to a JWK.
func with(jwk, members string) string { return strings.TrimSuffix(jwk, "}") + "," + members + "}" }

// setOf is a key set.
func setOf(jwk ...string) string { return `{"keys":[` + strings.Join(jwk, ",") + `]}` }

// good is a key of use to everybody here.
var good = with(ecJWK, `"kid":"good","alg":"ES256","use":"sig"`)

func parse(t testing.TB, set string, allowed ...keys.Algorithm) *jwks.Set {
	t.Helper()
	s, err := jwks.Parse([]byte(set), allowed...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatIsPublishedReadsBack(t *testing.T) {
	r := newRing(t)
	k := r.Publics()[0]
	s := parse(t, string(jwks.Marshal(r.Publics())), keys.ES256)
	if got := s.Keys[k.ID()]; len(s.Keys) != 1 || got == nil || got.ID() != k.ID() || got.Algorithm() != keys.ES256 || len(s.Skipped) != 0 {
		t.Errorf("%v, skipped %v", s.Keys, s.Skipped)
	}
	signer, err := r.Signing()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign([]byte("m"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Keys[k.ID()].Verify([]byte("m"), sig); err != nil {
		t.Error(err)
	}
}

func TestParseTakes(t *testing.T) {
	for name, c := range map[string]struct {
		jwk  string
		kid  string
		want keys.Algorithm
	}{
		"a key with its alg":                             {with(ecJWK, `"kid":"a","alg":"ES256"`), "a", keys.ES256},
		"a key without alg that one algorithm fits":      {with(ecJWK, `"kid":"a"`), "a", keys.ES256},
		"use sig: req 29":                                {with(ecJWK, `"kid":"a","use":"sig"`), "a", keys.ES256},
		"key_ops that verify: req 29":                    {with(ecJWK, `"kid":"a","key_ops":["verify"]`), "a", keys.ES256},
		"the fully specified name: req 35":               {with(edJWK, `"kid":"a","alg":"Ed25519"`), "a", keys.Ed25519},
		"a kid that is no thumbprint":                    {with(ecJWK, `"kid":"1"`), "1", keys.ES256},
		"a kid that looks like a path: req 34":           {with(ecJWK, `"kid":"../../etc/passwd"`), "../../etc/passwd", keys.ES256},
		"a kid that looks like SQL: req 34":              {with(ecJWK, `"kid":"'OR(1=1)--"`), "'OR(1=1)--", keys.ES256},
		"a kid of 128 bytes":                             {with(ecJWK, `"kid":"`+strings.Repeat("k", 128)+`"`), strings.Repeat("k", 128), keys.ES256},
		"a kid with an escape, decoded":                  {with(ecJWK, `"kid":"\u0061"`), "a", keys.ES256},
		"members that nobody knows, x5u among them":      {with(ecJWK, `"kid":"a","x5u":"https://evil.example","ext":true,"n_":[{}]`), "a", keys.ES256},
		"a number too large for any type, where unknown": {with(ecJWK, `"kid":"a","exp":1e999999999`), "a", keys.ES256},
	} {
		s := parse(t, setOf(c.jwk), keys.ES256, keys.Ed25519)
		if k := s.Keys[c.kid]; len(s.Keys) != 1 || k == nil || k.Algorithm() != c.want || len(k.ID()) != 43 || len(s.Skipped) != 0 {
			t.Errorf("%s: %v, skipped %v", name, s.Keys, s.Skipped)
		}
	}
	if s := parse(t, `{"x":null,"keys":[`+good+`],"KEYS":1}`, keys.ES256); len(s.Keys) != 1 {
		t.Error("a set with other members is refused: RFC 7517 section 5")
	}
	if s := parse(t, setOf(good, with(ecJWK, `"kid":"other"`)), keys.ES256); len(s.Keys) != 2 {
		t.Error("one key under two kids is refused")
	}
}

// req 3: RFC 8725bis section 3.1
func TestAKeyIsBoundToOneAlgorithm(t *testing.T) {
	private, err := keys.Generate(keys.RS256)
	if err != nil {
		t.Fatal(err)
	}
	rsa := strings.Replace(string(private.Public().JWK()), `"alg":"RS256",`, "", 1)
	for name, c := range map[string]struct {
		jwk     string
		allowed []keys.Algorithm
		want    keys.Algorithm // nil for none
	}{
		"alg decides":                     {with(rsa, `"alg":"PS256"`), []keys.Algorithm{keys.RS256, keys.PS256}, keys.PS256},
		"alg decides, whatever the order": {with(rsa, `"alg":"PS256"`), []keys.Algorithm{keys.PS256, keys.RS256}, keys.PS256},
		"only one fits":                   {rsa, []keys.Algorithm{keys.PS256, keys.EdDSA}, keys.PS256},
		"two fit":                         {rsa, []keys.Algorithm{keys.RS256, keys.PS256}, nil},
		"two names fit: req 35":           {with(edJWK, `"kid":"a"`), []keys.Algorithm{keys.EdDSA, keys.Ed25519}, nil},
		"alg is not allowed":              {with(rsa, `"alg":"RS256"`), []keys.Algorithm{keys.PS256}, nil},
		"alg of another case: req 2":      {with(rsa, `"alg":"ps256"`), []keys.Algorithm{keys.PS256}, nil},
		"alg HS256 on an RSA key: req 5":  {with(rsa, `"alg":"HS256"`), []keys.Algorithm{keys.RS256}, nil},
		"alg none: req 4":                 {with(rsa, `"alg":"none"`), []keys.Algorithm{keys.RS256}, nil},
		"alg empty":                       {with(rsa, `"alg":""`), []keys.Algorithm{keys.RS256}, nil},
		"alg null":                        {with(rsa, `"alg":null`), []keys.Algorithm{keys.RS256}, nil},
		"alg a list":                      {with(rsa, `"alg":["RS256"]`), []keys.Algorithm{keys.RS256}, nil},
	} {
		s := parse(t, setOf(good, c.jwk), append(c.allowed, keys.ES256)...)
		var got keys.Algorithm
		for kid, k := range s.Keys {
			if kid != "good" {
				got = k.Algorithm()
			}
		}
		if got != c.want || len(s.Skipped) != 0 != (c.want == nil) {
			t.Errorf("%s: bound to %v, skipped %v", name, got, s.Skipped)
		}
		if two := strings.HasPrefix(name, "two"); two != (len(s.Skipped) == 1 && strings.Contains(s.Skipped[0].Error(), "ambiguous")) {
			t.Errorf("%s: skipped %v", name, s.Skipped)
		}
	}
}

func TestParseSkips(t *testing.T) {
	long := strings.Repeat("A", 60000)
	for name, c := range map[string]struct{ jwk, reason string }{
		"a kty that nobody knows: req 31":         {`{"kid":"a","kty":"PQ","z":"AA"}`, `fits its kty "PQ"`},
		"a kty of 60,000 bytes: req 31":           {`{"kid":"a","kty":"` + long + `"}`, `fits its kty "AAAA`},
		"no kty: req 31":                          {`{"kid":"a"}`, "no kty"},
		"kty a number: req 31":                    {`{"kid":"a","kty":1}`, "no kty"},
		"another curve: req 27":                   {strings.Replace(with(ecJWK, `"kid":"a"`), "P-256", "secp256k1", 1), `fits its kty "EC"`},
		"an algorithm that is not allowed":        {with(ecJWK, `"kid":"a","alg":"ES384"`), `alg "ES384" is not allowed`},
		"an encryption algorithm":                 {with(ecJWK, `"kid":"a","alg":"ECDH-ES","use":"enc"`), `alg "ECDH-ES" is not allowed`},
		"an alg of 60,000 bytes":                  {with(ecJWK, `"kid":"a","alg":"`+long+`"`), "is not allowed"},
		"use enc: req 29":                         {with(ecJWK, `"kid":"a","use":"enc"`), `use must be "sig"`},
		"use of another case: req 29":             {with(ecJWK, `"kid":"a","use":"SIG"`), `use must be "sig"`},
		"key_ops that encrypt: req 29":            {with(ecJWK, `"kid":"a","key_ops":["encrypt"]`), `key_ops does not allow "verify"`},
		"key_ops empty: req 29":                   {with(ecJWK, `"kid":"a","key_ops":[]`), `key_ops does not allow "verify"`},
		"key_ops null: req 29":                    {with(ecJWK, `"kid":"a","alg":"ES256","key_ops":null`), `key_ops does not allow "verify"`},
		"no kid":                                  {ecJWK, "kid is missing"},
		"an empty kid":                            {with(ecJWK, `"kid":""`), "kid is missing"},
		"kid null":                                {with(ecJWK, `"kid":null`), "kid is missing"},
		"kid a number":                            {with(ecJWK, `"kid":1`), "kid is missing"},
		"a kid of 129 bytes":                      {with(ecJWK, `"kid":"`+strings.Repeat("k", 129)+`"`), "kid is missing, or not"},
		"a kid with a space":                      {with(ecJWK, `"kid":"a b"`), "kid is missing, or not"},
		"a kid with a line end":                   {with(ecJWK, `"kid":"a\nlevel=INFO"`), "kid is missing, or not"},
		"a kid beyond ASCII":                      {with(ecJWK, `"kid":"é"`), "kid is missing, or not"},
		"a point off the curve: req 27":           {strings.Replace(with(ecJWK, `"kid":"a","alg":"ES256"`), `"y":"x_F`, `"y":"x_G`, 1), "not a point"},
		"a short coordinate: req 27":              {strings.Replace(with(ecJWK, `"kid":"a","alg":"ES256"`), `"y":"x_F`, `"y":"_F`, 1), "y is not"},
		"a key of another type than its alg":      {with(edJWK, `"kid":"a","alg":"ES256"`), `kty must be "EC"`},
		"a key over 64 KiB":                       {with(ecJWK, `"kid":"a","x5c":["`+long+long[:6000]+`"]`), "over 65536 bytes"},
		"null":                                    {`null`, "not a JSON object"},
		"a number too large for any type":         {`1e999999999`, "not a JSON object"},
		"an array":                                {`[]`, "not a JSON object"},
		"a text":                                  {`"{}"`, "not a JSON object"},
		"a coordinate that is too large a number": {`{"kid":"a","kty":"EC","crv":"P-256","x":1e999999999,"y":1}`, `fits its kty "EC"`},
	} {
		s, err := jwks.Parse([]byte(setOf(c.jwk, good)), keys.ES256, keys.EdDSA)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(s.Keys) != 1 || s.Keys["good"] == nil || len(s.Skipped) != 1 {
			t.Errorf("%s: %d keys, %d skipped", name, len(s.Keys), len(s.Skipped))
			continue
		}
		text := s.Skipped[0].Error()
		if !strings.Contains(text, c.reason) || !strings.Contains(text, "keys[0]") || len(text) > 200 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%s: skipped with the reason %.300q", name, text)
		}
		// On its own it makes a set without a usable key.
		if s, err := jwks.Parse([]byte(setOf(c.jwk)), keys.ES256, keys.EdDSA); s != nil || err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s, alone: %v", name, err)
		}
	}
}

func TestParseRefusesTheWholeSet(t *testing.T) {
	manyKeys := make([]string, 101)
	for i := range manyKeys {
		manyKeys[i] = with(ecJWK, fmt.Sprintf(`"kid":"%d"`, i))
	}
	if s := parse(t, setOf(manyKeys[:100]...), keys.ES256); len(s.Keys) != 100 {
		t.Errorf("of 100 keys %d are there", len(s.Keys))
	}
	fill := strings.Repeat(" ", 512<<10-len(setOf(good)))
	if s := parse(t, setOf(good)+fill, keys.ES256); len(s.Keys) != 1 {
		t.Error("a set of 512 KiB is refused")
	}
	for name, c := range map[string]struct{ set, reason string }{
		"over 512 KiB":             {setOf(good) + fill + " ", "over 524288 bytes"},
		"nothing":                  {``, "one JSON object"},
		"null":                     {`null`, "one JSON object"},
		"an array of keys":         {`[` + good + `]`, "one JSON object"},
		"two sets":                 {setOf(good) + setOf(good), "one JSON object"},
		"a set cut short":          {setOf(good)[:60], "one JSON object"},
		"a page of HTML":           {`<!doctype html>`, "one JSON object"},
		"invalid UTF-8":            {setOf(with(good, "\"x5t\":\"\xff\"")), "one JSON object"},
		"half a surrogate pair":    {setOf(with(good, `"x5t":"\ud800"`)), "one JSON object"},
		"keys twice":               {`{"keys":[` + good + `],"keys":[]}`, "one JSON object"},
		"keys twice, once escaped": {`{"keys":[` + good + `],"\u006beys":[]}`, "one JSON object"},
		"a member of a key twice":  {setOf(with(good, `"kty":"EC"`)), "one JSON object"},
		"a member twice, deep in a skipped entry": {setOf(good, `{"kty":"PQ","z":[{"a":1,"a":1}]}`), "one JSON object"},
		"no keys":                                {`{}`, `no array "keys"`},
		"keys of another case":                   {`{"Keys":[` + good + `]}`, `no array "keys"`},
		"keys null":                              {`{"keys":null}`, `no array "keys"`},
		"keys an object":                         {`{"keys":{"a":` + good + `}}`, `no array "keys"`},
		"101 keys":                               {setOf(manyKeys...), "over 100 keys"},
		"512 KiB of numbers":                     {setOf(strings.TrimSuffix(strings.Repeat("0,", 262138), ",")), "over 100 keys"},
		"an empty set":                           {setOf(), "the set is empty"},
		"a kid twice: req 30":                    {setOf(good, with(edJWK, `"kid":"good"`)), "the kid of another"},
		"a kid twice, once escaped: req 30":      {setOf(good, with(edJWK, `"kid":"\u0067ood"`)), "the kid of another"},
		"a kid of a skipped entry twice: req 30": {setOf(`{"kty":"PQ","kid":"good"}`, good), "the kid of another"},
		"a kid twice, in entries that are skipped: req 30": {
			setOf(good, `{"kty":"PQ","kid":"a"}`, with(edJWK, `"kid":"a","use":"enc"`)), "the kid of another"},
		"a symmetric key among others: req 30":         {setOf(good, `{"kty":"oct","kid":"a","k":"AAAA","alg":"HS256"}`), "is symmetric"},
		"a symmetric key without its bytes: req 30":    {setOf(good, `{"kty":"oct"}`), "is symmetric"},
		"only a symmetric key: req 32":                 {setOf(`{"kty":"oct","kid":"a","k":"AAAA"}`), "is symmetric"},
		"a symmetric member on another type: req 32":   {setOf(with(good, `"k":"AAAA"`)), `has the member "k"`},
		"a private half: req 32":                       {setOf(good, with(edJWK, `"kid":"a","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"`)), `has the member "d"`},
		"a private half, null: req 32":                 {setOf(with(good, `"d":null`)), `has the member "d"`},
		"a private half, its name escaped: req 32":     {setOf(with(good, `"\u0064":1`)), `has the member "d"`},
		"a private half of an unknown type: req 32":    {setOf(good, `{"kty":"AKP","priv":"AA"}`), `has the member "priv"`},
		"a private half in an entry for encryption":    {setOf(good, with(edJWK, `"use":"enc","d":"AA"`)), `has the member "d"`},
		"a private half in an entry without a kid":     {setOf(good, with(edJWK, `"d":"AA"`)), `has the member "d"`},
		"a private half in an entry whose alg is null": {setOf(good, with(edJWK, `"alg":null,"d":"AA"`)), `has the member "d"`},
		"512 KiB of brackets: CVE-2024-21664":          {strings.Repeat("[", 512<<10), "one JSON object"},
		"512 KiB of nested arrays":                     {`{"keys":` + strings.Repeat("[", 262139) + strings.Repeat("]", 262139) + "}", "one JSON object"},
		"512 KiB of nested sets":                       {strings.Repeat(`{"keys":[`, 58254), "one JSON object"},
		"a number for a set: CVE-2024-21664":           {`1e999999999`, "one JSON object"},
	} {
		s, err := jwks.Parse([]byte(c.set), keys.ES256, keys.EdDSA)
		if s != nil || err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if !strings.Contains(err.Error(), c.reason) || len(err.Error()) > 300 {
			t.Errorf("%s: refused with %.400q", name, err)
		}
	}
}

// req 32, req 100
func TestErrorsQuoteNothingPrivate(t *testing.T) {
	d := "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	_, err := jwks.Parse([]byte(setOf(with(edJWK, `"kid":"a","d":"`+d+`"`))), keys.EdDSA)
	if err == nil || strings.Contains(err.Error(), d[:8]) {
		t.Error("the private half is in the error, or there is none")
	}
}

func TestTheCallersMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		allowed []keys.Algorithm
		reason  string
	}{
		"nothing allowed":           {nil, "no algorithm is allowed"},
		"nil":                       {[]keys.Algorithm{keys.ES256, nil}, "is nil"},
		"the same twice":            {[]keys.Algorithm{keys.ES256, keys.EdDSA, keys.ES256}, "ES256 is allowed twice"},
		"a symmetric one: req 5":    {[]keys.Algorithm{keys.ES256, keys.HS256}, "HS256 cannot be allowed"},
		"every one there is: req 5": {keys.Algorithms(), "HS256 cannot be allowed"},
		"only a symmetric one: 512": {[]keys.Algorithm{keys.HS512}, "HS512 cannot be allowed"},
		"only a symmetric one: 384": {[]keys.Algorithm{keys.HS384}, "HS384 cannot be allowed"},
	} {
		if s, err := jwks.Parse([]byte(setOf(good)), c.allowed...); s != nil || err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// req 40: CVE-2025-22149
func TestAKeyThatLeftTheSetIsGone(t *testing.T) {
	other := with(edJWK, `"kid":"other"`)
	before, after := parse(t, setOf(good, other), keys.ES256, keys.EdDSA), parse(t, setOf(other), keys.ES256, keys.EdDSA)
	if before.Keys["good"] == nil || after.Keys["good"] != nil || len(after.Keys) != 1 {
		t.Error("a set remembers another")
	}
}

func ExampleParse() {
	body := []byte(`{"keys":[
		{"kid":"2026-05","kty":"OKP","crv":"Ed25519","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		{"kid":"other","kty":"LMS","pub":"AAAA"}
	]}`)
	set, err := jwks.Parse(body, keys.ES256, keys.EdDSA)
	if err != nil {
		fmt.Println(err) // keep the last good set
		return
	}
	for kid, key := range set.Keys {
		fmt.Println(kid, "verifies", key.Algorithm().Name())
	}
	for _, reason := range set.Skipped {
		fmt.Println(reason)
	}
	// Output:
	// 2026-05 verifies EdDSA
	// jwks: keys[1] of the set: it has no alg, and no allowed algorithm fits its kty "LMS"
}
