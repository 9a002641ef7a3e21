package keys_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
)

// The public halves of the published test keys.
const (
	ecJWK = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	edJWK = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)

// with adds members to a JWK.
func with(jwk, members string) string { return strings.TrimSuffix(jwk, "}") + "," + members + "}" }

func TestParseJWKAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		a   keys.Algorithm
		jwk string
	}{
		"EC alone":                           {keys.ES256, ecJWK},
		"OKP alone":                          {keys.EdDSA, edJWK},
		"white space":                        {keys.EdDSA, "\n " + edJWK + "\n"},
		"its alg":                            {keys.ES256, with(ecJWK, `"alg":"ES256"`)},
		"the fully specified name: req 35":   {keys.Ed25519, with(edJWK, `"alg":"Ed25519"`)},
		"use sig: req 29":                    {keys.ES256, with(ecJWK, `"use":"sig"`)},
		"key_ops that verify: req 29":        {keys.ES256, with(ecJWK, `"key_ops":["sign","verify"]`)},
		"a kid that looks like SQL: req 34":  {keys.ES256, with(ecJWK, `"kid":"' OR 1=1 --"`)},
		"a kid that looks like path: req 34": {keys.ES256, with(ecJWK, `"kid":"../../etc/passwd"`)},
		"unknown members":                    {keys.ES256, with(ecJWK, `"x5u":"https://evil.example","ext":true`)},
	} {
		k, err := keys.ParseJWK(c.a, []byte(c.jwk))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := keys.ParseJWK(c.a, k.JWK())
		if err != nil || again.ID() != k.ID() || len(k.ID()) != 43 || !bytes.Contains(k.JWK(), []byte(`"kid":"`+k.ID()+`"`)) {
			t.Errorf("%s: JWK %s does not read back: %v", name, k.JWK(), err)
		}
	}
}

func TestParseJWKRefuses(t *testing.T) {
	x, y := "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
	for name, c := range map[string]struct {
		a   keys.Algorithm
		jwk string
	}{
		"nothing":                                  {keys.ES256, ``},
		"null":                                     {keys.ES256, `null`},
		"an array":                                 {keys.ES256, `[` + ecJWK + `]`},
		"two objects":                              {keys.ES256, ecJWK + ecJWK},
		"a member twice":                           {keys.ES256, with(ecJWK, `"kty":"EC"`)},
		"a member twice, once escaped":             {keys.ES256, with(ecJWK, `"\u006bty":"EC"`)},
		"invalid UTF-8":                            {keys.ES256, with(ecJWK, "\"kid\":\"\xff\"")},
		"other case of kty":                        {keys.ES256, strings.Replace(ecJWK, `"EC"`, `"ec"`, 1)},
		"other case of a name":                     {keys.ES256, strings.Replace(ecJWK, `"kty"`, `"KTY"`, 1)},
		"an RSA key, however long: req 26":         {keys.ES256, `{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("q", 342) + `"}`},
		"kty oct: req 32":                          {keys.ES256, `{"kty":"oct","k":"AAAA"}`},
		"an unknown kty: req 31":                   {keys.ES256, `{"kty":"PQ","x":"AAAA"}`},
		"another curve: req 27":                    {keys.ES256, strings.Replace(ecJWK, "P-256", "P-384", 1)},
		"X25519: req 27":                           {keys.EdDSA, strings.Replace(edJWK, "Ed25519", "X25519", 1)},
		"alg of another case: req 2":               {keys.ES256, with(ecJWK, `"alg":"es256"`)},
		"another alg: req 3":                       {keys.ES256, with(ecJWK, `"alg":"ES384"`)},
		"alg none: req 4":                          {keys.ES256, with(ecJWK, `"alg":"none"`)},
		"alg HS256: req 5":                         {keys.ES256, with(ecJWK, `"alg":"HS256"`)},
		"alg null":                                 {keys.ES256, with(ecJWK, `"alg":null`)},
		"EdDSA for Ed25519: req 35":                {keys.Ed25519, with(edJWK, `"alg":"EdDSA"`)},
		"Ed25519 for EdDSA: req 35":                {keys.EdDSA, with(edJWK, `"alg":"Ed25519"`)},
		"an OKP key for ES256: req 3":              {keys.ES256, edJWK},
		"an EC key for EdDSA: req 3":               {keys.EdDSA, ecJWK},
		"no algorithm":                             {nil, ecJWK},
		"use enc: req 29":                          {keys.ES256, with(ecJWK, `"use":"enc"`)},
		"use null: req 29":                         {keys.ES256, with(ecJWK, `"use":null`)},
		"key_ops that sign only: req 29":           {keys.ES256, with(ecJWK, `"key_ops":["sign"]`)},
		"key_ops empty: req 29":                    {keys.ES256, with(ecJWK, `"key_ops":[]`)},
		"key_ops null: req 29":                     {keys.ES256, with(ecJWK, `"key_ops":null`)},
		"key_ops a string: req 29":                 {keys.ES256, with(ecJWK, `"key_ops":"verify"`)},
		"key_ops twice the same: req 29":           {keys.ES256, with(ecJWK, `"key_ops":["verify","verify"]`)},
		"the private half: req 32":                 {keys.ES256, rfc7515Key},
		"the private half null: req 32":            {keys.EdDSA, with(edJWK, `"d":null`)},
		"a symmetric member: req 32":               {keys.EdDSA, with(edJWK, `"k":"AAAA"`)},
		"x missing":                                {keys.ES256, strings.Replace(ecJWK, `"x"`, `"z"`, 1)},
		"y missing":                                {keys.ES256, strings.Replace(ecJWK, `"y"`, `"z"`, 1)},
		"x a number":                               {keys.EdDSA, `{"kty":"OKP","crv":"Ed25519","x":1}`},
		"x of 31 bytes: req 27":                    {keys.ES256, strings.Replace(ecJWK, x, x[:42], 1)},
		"x of 33 bytes with a zero: req 27":        {keys.ES256, strings.Replace(ecJWK, x, "AH_Nzidw9sRdQYPL7m_bS3tYBzM1e-nvE7rPbjx70VRF", 1)},
		"x with padding":                           {keys.ES256, strings.Replace(ecJWK, x, x+"=", 1)},
		"x with a line end":                        {keys.ES256, strings.Replace(ecJWK, x, x[:20]+`\n`+x[20:], 1)},
		"x with bits in the last character: req 7": {keys.ES256, strings.Replace(ecJWK, x, x[:42]+"V", 1)},
		"x in the other base64 alphabet":           {keys.ES256, strings.Replace(ecJWK, y, strings.Replace(y, "_", "/", 1), 1)},
		"x and y swapped, off the curve: req 27":   {keys.ES256, `{"kty":"EC","crv":"P-256","x":"` + y + `","y":"` + x + `"}`},
		"the point at infinity: req 27":            {keys.ES256, `{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`},
		"y on an Ed25519 key":                      {keys.EdDSA, with(edJWK, `"y":"`+y+`"`)},
		"64 KiB of white space":                    {keys.ES256, strings.Repeat(" ", 64<<10) + ecJWK},
	} {
		if k, err := keys.ParseJWK(c.a, []byte(c.jwk)); err == nil || k != nil {
			t.Errorf("%s: accepted", name)
		}
		if c.a != nil {
			if k, err := c.a.ParseJWK([]byte(c.jwk)); err == nil || k != nil {
				t.Errorf("%s: accepted by the Algorithm", name)
			}
		}
	}
}

func TestParsePrivateJWKRefuses(t *testing.T) {
	for name, jwk := range map[string]string{
		"a public key":                ecJWK,
		"another key's private half":  with(ecJWK, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"`),
		"a private half of zero":      with(ecJWK, `"d":"`+strings.Repeat("A", 43)+`"`),
		"a private half out of range": with(ecJWK, `"d":"__________________________________________8"`),
		"a short private half":        with(ecJWK, `"d":"AAAA"`),
		"key_ops that verify only":    with(rfc7515Key, `"key_ops":["verify"]`),
		"a symmetric member beside":   with(rfc7515Key, `"k":"AAAA"`),
	} {
		k, err := keys.ParsePrivateJWK(keys.ES256, []byte(jwk))
		if err == nil || k != nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "nWGxne") { // req 100
			t.Errorf("%s: the error holds the private half", name)
		}
	}
}
