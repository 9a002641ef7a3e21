package keys_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

// stored is a Vault that holds a document and takes no other.
type stored []byte

func (s stored) Load(context.Context) ([]byte, uint64, error) { return s, 1, nil }

func (s stored) Save(context.Context, []byte, uint64) (uint64, error) { return 0, keys.ErrConflict }

// object is JSON to be spoilt.
type object = map[string]any

// documentOf reads the document of a ring, lets change spoil the ring in it, and seals it as one who
// knows the secret would.
func documentOf(t testing.TB, c keys.Config, change func(ring object)) []byte {
	t.Helper()
	ring, _ := ringOf(t, c, change)
	if c.InClear {
		return fmt.Appendf(nil, `{"ring":%s}`, ring)
	}
	return fmt.Appendf(nil, `{"ring":%s,"seal":%q}`, ring, sealOf(t, c, ring))
}

// ringOf is the ring that c's vault holds, after change has spoilt it, and its old seal.
func ringOf(t testing.TB, c keys.Config, change func(ring object)) (ring []byte, seal string) {
	t.Helper()
	doc, _, err := c.Vault.Load(context.Background())
	check(t, err)
	var d struct {
		Ring object
		Seal string
	}
	check(t, json.Unmarshal(doc, &d))
	change(d.Ring)
	ring, err = json.Marshal(d.Ring)
	check(t, err)
	return ring, d.Seal
}

// sealOf is the seal as the package documentation describes it.
func sealOf(t testing.TB, c keys.Config, ring []byte) string {
	t.Helper()
	sum := sha256.Sum256(ring)
	additional := binary.BigEndian.AppendUint32([]byte("writ ring seal 1"), uint32(len(c.Issuer)))
	seal, err := c.Wrapper.Wrap(context.Background(), sum[:], append(additional, c.Issuer...))
	check(t, err)
	return encode(seal)
}

func firstKey(doc object) object { return doc["keys"].([]any)[0].(object) }
func firstMAC(doc object) object { return doc["mac"].([]any)[0].(object) }

func firstData(doc object) object { return doc["data"].([]any)[0].(object) }

func gone(kid any) object { return object{"kid": kid, "removed_at": "2026-05-01T12:00:00Z"} }

func entrust(item object, ref string) {
	without(item, "private", "private_in_clear")["ref"] = ref
}

func inClear(c *keys.Config) { c.Wrapper, c.InClear = nil, true }

// TestDocumentsThatAreRefused spoils the document of a good ring, once sealed and once in clear.
func TestDocumentsThatAreRefused(t *testing.T) {
	cases := map[string]struct {
		change func(doc, other object)
		want   string // in the error
	}{
		"another format":          {func(d, _ object) { d["v"] = 2 }, "update writ"},
		"no format":               {func(d, _ object) { delete(d, "v") }, "update writ"},
		"another issuer's ring":   {func(d, _ object) { d["issuer"] = "https://other.example" }, "another issuer"},
		"no issuer":               {func(d, _ object) { delete(d, "issuer") }, "damaged"},
		"no date":                 {func(d, _ object) { delete(d, "updated_at") }, "damaged"},
		"a date that is none":     {func(d, _ object) { d["updated_at"] = 5 }, "damaged"},
		"no signing keys":         {func(d, _ object) { d["keys"] = nil }, "lacks"},
		"no MAC keys":             {func(d, _ object) { d["mac"] = []any{} }, "lacks"},
		"a kid twice: req 30":     {func(d, _ object) { d["keys"] = []any{firstKey(d), firstKey(d)} }, "twice"},
		"a MAC kid twice: req 30": {func(d, _ object) { d["mac"] = []any{firstMAC(d), firstMAC(d)} }, "twice"},
		"a symmetric key: req 30": {func(d, _ object) { firstKey(d)["public"] = object{"kty": "oct", "k": "AAAA"} }, "private member"},
		"alg none: req 4":         {func(d, _ object) { firstKey(d)["alg"] = "none" }, "update writ"},
		"alg HS256: req 5":        {func(d, _ object) { firstKey(d)["alg"] = "HS256" }, "alg must be"},
		"alg HS256, and no other: req 5": {func(d, _ object) {
			firstKey(d)["alg"] = "HS256"
			delete(firstKey(d)["public"].(object), "alg")
		}, "kty must be"},
		"alg in another case: req 2":   {func(d, _ object) { firstKey(d)["alg"] = "es256" }, "update writ"},
		"alg and public differ: req 3": {func(d, _ object) { firstKey(d)["alg"] = "EdDSA" }, "alg must be"},
		"a path as kid: req 34":        {func(d, _ object) { firstKey(d)["kid"] = "../../etc/passwd" }, "thumbprint"},
		"a kid of nothing: req 33": {func(d, _ object) {
			firstKey(d)["kid"] = strings.Repeat("A", 43)
			delete(firstKey(d)["public"].(object), "kid")
		}, "thumbprint"},
		"another kid in the JWK":       {func(d, _ object) { firstKey(d)["public"].(object)["kid"] = "x" }, "thumbprint"},
		"another public half":          {func(d, o object) { firstKey(d)["public"] = firstKey(o)["public"] }, "thumbprint"},
		"another private half":         {func(d, o object) { copyPrivate(firstKey(d), firstKey(o)) }, "restore the ring"},
		"another MAC key":              {func(d, o object) { copyPrivate(firstMAC(d), firstMAC(o)) }, "restore the ring"},
		"a MAC key for a signing key":  {func(d, _ object) { copyPrivate(firstKey(d), firstMAC(d)) }, ""},
		"a signing key for a MAC key":  {func(d, _ object) { copyPrivate(firstMAC(d), firstKey(d)) }, "restore the ring"},
		"no private half at all":       {func(d, _ object) { without(firstKey(d), "private", "private_in_clear") }, "no key that signs"},
		"a MAC key that is wiped":      {func(d, _ object) { without(firstMAC(d), "private", "private_in_clear") }, "lacks its key"},
		"private in clear and sealed":  {func(d, _ object) { k := firstKey(d); k["private"], k["private_in_clear"] = "AA", "AA" }, "both"},
		"a private half not in base64": {func(d, _ object) { setPrivate(firstKey(d), "!") }, "damaged"},
		"a private half of nothing":    {func(d, _ object) { setPrivate(firstKey(d), "AAAA") }, ""},
		"a MAC key of nothing":         {func(d, _ object) { setPrivate(firstMAC(d), "AAAA") }, ""},
		"a MAC key shorter than the hash: req 25": {func(d, _ object) {
			short := make([]byte, 16)
			sum := sha256.Sum256(short)
			setPrivate(firstMAC(d), base64.RawURLEncoding.EncodeToString(short))
			firstMAC(d)["kid"] = hex.EncodeToString(sum[:4])
		}, ""},
		"a data kid twice: req 30":         {func(d, _ object) { d["data"] = []any{firstData(d), firstData(d)} }, "twice"},
		"a MAC key as a data key: req 30":  {func(d, _ object) { d["data"] = []any{firstMAC(d)} }, "twice"},
		"a data key that is wiped":         {func(d, _ object) { without(firstData(d), "private", "private_in_clear") }, "lacks its key"},
		"another data key":                 {func(d, o object) { copyPrivate(firstData(d), firstData(o)) }, "restore the ring"},
		"a MAC key for a data key":         {func(d, _ object) { copyPrivate(firstData(d), firstMAC(d)) }, "restore the ring"},
		"a data key without created_at":    {func(d, _ object) { delete(firstData(d), "created_at") }, "date"},
		"a removed key that is there":      {func(d, _ object) { d["removed"] = []any{gone(firstKey(d)["kid"])} }, "twice"},
		"a removed MAC key that is there":  {func(d, _ object) { d["removed"] = []any{gone(firstMAC(d)["kid"])} }, "twice"},
		"a key removed twice":              {func(d, _ object) { d["removed"] = []any{gone("aaaaaaaa"), gone("aaaaaaaa")} }, "twice"},
		"a removed key without a date":     {func(d, _ object) { d["removed"] = []any{without(gone("a"), "removed_at")} }, "date"},
		"a removed key without a kid":      {func(d, _ object) { d["removed"] = []any{gone("")} }, "kid"},
		"a removed key with a long kid":    {func(d, _ object) { d["removed"] = []any{gone(strings.Repeat("a", 65))} }, "kid"},
		"compromised a string":             {func(d, _ object) { g := gone("a"); g["compromised"] = "true"; d["removed"] = []any{g} }, "damaged"},
		"a ref beside a private half":      {func(d, _ object) { firstKey(d)["ref"] = "kms:1" }, "ref"},
		"a ref that is too long":           {func(d, _ object) { entrust(firstKey(d), strings.Repeat("x", 1025)) }, "ref"},
		"a MAC key that a Custodian keeps": {func(d, _ object) { entrust(firstMAC(d), "kms:1") }, "lacks its key"},
		"max_ttl 0":                        {func(d, _ object) { firstKey(d)["max_ttl"] = 0 }, "max_ttl"},
		"max_ttl over a day":               {func(d, _ object) { firstKey(d)["max_ttl"] = 86401 }, "max_ttl"},
		"max_ttl negative":                 {func(d, _ object) { firstKey(d)["max_ttl"] = -1 }, "max_ttl"},
		"max_ttl a string":                 {func(d, _ object) { firstKey(d)["max_ttl"] = "60" }, "damaged"},
		"a key without activate_at":        {func(d, _ object) { delete(firstKey(d), "activate_at") }, "date"},
		"a MAC key without created_at":     {func(d, _ object) { delete(firstMAC(d), "created_at") }, "date"},
		"a MAC kid that is not hex":        {func(d, _ object) { firstMAC(d)["kid"] = "zzzzzzzz" }, "hexadecimal"},
		"a MAC kid in capitals":            {func(d, _ object) { firstMAC(d)["kid"] = "ABCDEF01" }, "hexadecimal"},
		"a MAC kid of another key":         {func(d, _ object) { firstMAC(d)["kid"] = "00000000" }, "restore the ring"},
		"the key of another issuer too":    {func(d, o object) { add(d, firstKey(o)); d["issuer"] = "https://b.example" }, "another issuer"},
		"a half in clear, or sealed, unlike the rest": {func(d, _ object) {
			k := firstKey(d)
			_, inClear := k["private_in_clear"]
			without(k, "private", "private_in_clear")
			k[map[bool]string{true: "private", false: "private_in_clear"}[inClear]] = "AAAA"
		}, "sealed, but"},
	}
	for kept, configure := range map[string]func(*keys.Config){"sealed": nil, "in clear": inClear} {
		_, good := newRing(t, configure)
		_, second := newRing(t, configure)
		for name, c := range cases {
			var other object
			documentOf(t, second, func(doc object) { other = doc })
			config := good
			config.Vault = stored(documentOf(t, good, func(doc object) { c.change(doc, other) }))
			r, err := keys.Open(context.Background(), config)
			if err == nil || r != nil {
				t.Errorf("%s, %s: accepted", name, kept)
			} else if !strings.Contains(err.Error(), c.want) && !strings.Contains(err.Error(), "altered, or moved") {
				t.Errorf("%s, %s: %v, want %q", name, kept, err, c.want)
			}
		}
	}
	for name, doc := range map[string]string{
		"empty": "", "half": `{"ring":{"v":1`, "a member twice": `{"ring":{"v":1,"v":1}}`, "null": "null", "no ring": "{}", "a ring that is none": `{"ring":[]}`,
		"too long": `{"ring":{"v":1}}` + strings.Repeat(" ", 1<<20),
	} {
		_, config := newRing(t, nil)
		config.Vault = stored(doc)
		if r, err := keys.Open(context.Background(), config); err == nil || r != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func setPrivate(item object, value string) {
	for _, name := range []string{"private", "private_in_clear"} {
		if _, ok := item[name]; ok {
			item[name] = value
		}
	}
}

func copyPrivate(to, from object) {
	for _, name := range []string{"private", "private_in_clear"} {
		if v, ok := from[name]; ok {
			to[name] = v
		}
	}
}

func without(item object, names ...string) object {
	for _, name := range names {
		delete(item, name)
	}
	return item
}

func add(doc, key object) { doc["keys"] = append(doc["keys"].([]any), key) }

// TestARingInClearIsNotTakenForASealedOne: otherwise one who can write the vault could put in a key
// of their own.
func TestARingInClearIsNotTakenForASealedOne(t *testing.T) {
	_, clear := newRing(t, inClear)
	_, sealed := newRing(t, nil)
	ring, _ := ringOf(t, clear, func(object) {})
	seal := sealOf(t, sealed, ring)
	for name, c := range map[string]struct {
		config keys.Config
		vault  keys.Vault
		want   string
	}{
		"in clear, with a secret":  {sealed, clear.Vault, "WRIT_KEYS_IN_CLEAR"},
		"sealed, without a secret": {clear, sealed.Vault, "WRIT_SECRET"},
		"in clear, with a seal":    {clear, stored(fmt.Appendf(nil, `{"ring":%s,"seal":%q}`, ring, seal)), "WRIT_SECRET"},
	} {
		c.config.Vault = c.vault
		if _, err := keys.Open(context.Background(), c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want the remedy", name, err)
		}
	}
}

// TestLaterVersionsMayAddMembers and several keys, the newest active one of which signs. Retired
// keys may be wiped.
func TestLaterVersionsMayAddMembers(t *testing.T) {
	clock := newClock()
	_, config := newRing(t, func(c *keys.Config) { inClear(c); c.Now = clock.now })
	at := func(d time.Duration) string { return clock.now().Add(d).Format(time.RFC3339) }
	fresh := func(activateAt string, alg keys.Algorithm) object {
		_, other := newRing(t, func(c *keys.Config) { inClear(c); c.Now = clock.now; c.Algorithm = alg })
		var o object
		documentOf(t, other, func(doc object) { o = doc })
		k := firstKey(o)
		k["activate_at"] = activateAt
		return k
	}
	retired, active, pending := fresh(at(-time.Hour), keys.ES256), fresh(at(-time.Minute), keys.EdDSA), fresh(at(time.Hour), keys.ES256)
	delete(retired, "private_in_clear")
	config.Vault = stored(documentOf(t, config, func(doc object) {
		firstKey(doc)["activate_at"] = at(-2 * time.Minute)
		doc["later"] = object{"x": 1}
		active["later"] = true
		doc["keys"] = append([]any{pending, active, retired}, doc["keys"].([]any)...)
	}))
	r := reopen(t, config)
	assertSigns := func(want object) {
		t.Helper()
		k, err := r.Signing()
		check(t, err)
		if k.ID() != want["kid"] {
			t.Errorf("signs with %v, want %v", k, want["kid"])
		}
	}
	assertSigns(active)
	info, err := keys.Inspect(context.Background(), config.Vault, clock.now())
	check(t, err)
	var states []keys.State
	for _, k := range info.Keys {
		states = append(states, k.State)
	}
	if !info.Keys[0].Wiped || info.Keys[1].Wiped {
		t.Error("Inspect must say that the retired key, and no other, is wiped")
	}
	if len(states) != 4 || states[0] != keys.Retired || states[1] != keys.Retired || states[2] != keys.Active || states[3] != keys.Pending {
		t.Errorf("states %v", states)
	}
	for _, k := range []object{retired, active, pending} {
		if _, err := r.Public(issuer, k["kid"].(string)); err != nil {
			t.Errorf("%v does not verify: %v", k["kid"], err)
		}
	}
	clock.add(time.Hour)
	check(t, r.Reload(context.Background()))
	assertSigns(pending)

	// req 44: with every other private half wiped, the one that is left signs, whatever the clock
	// says.
	clock.add(-48 * time.Hour)
	config.Vault = stored(documentOf(t, config, func(doc object) {
		for _, k := range doc["keys"].([]any)[1:] {
			delete(k.(object), "private_in_clear")
		}
	}))
	r = reopen(t, config)
	assertSigns(pending)
}
