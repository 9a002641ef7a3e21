package token

import (
	"reflect"
	"testing"
)

// FuzzClaims holds plainClaims to its promise: what it reads, the strict decoder reads to the same.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{"iss":"https://login.example","sub":"alice","aud":"https://api.example","exp":1772367000,"nbf":1772366400,"iat":1772366400,"jti":"x","client_id":"c","sid":"s","scope":"read write","auth_time":1772366400,"acr":"loa2","amr":["pwd","otp"],"ist":1772366400000000,"data":{"a":[1,"\""]}}`,
		`{"aud":["a","b"],"data":{}}`,
		`{"exp":9007199254740991,"ist":9007199254740991}`,
		`{"sub":"a","sub":"b"}`,
		`{"SUB":"a"}`,
		`{"data":{"a":1,"a":2}}`,
		`{"exp":1e3}`,
		`{"scope":""}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		got, ok := plainClaims(payload)
		if !ok {
			return
		}
		want, _, err := strictClaims(payload)
		if err != nil {
			t.Fatalf("the strict decoder refuses what plainClaims reads: %v", err)
		}
		want.object, want.Data = string(want.Data), nil
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("plainClaims reads\n%+v, the strict decoder\n%+v", got, want)
		}
	})
}

// A token of our own issuer must take the quick way, or all of them are slow.
func TestOwnTokensArePlain(t *testing.T) {
	w := wire{
		Issuer: "https://login.example", Subject: "alice", Audience: audience{"https://api.example"}, Expires: 1772367000, NotBefore: 1772366400,
		IssuedAt: 1772366400, ID: "x", ClientID: "c", SessionID: "s", Scope: "read write", AuthTime: 1772366400, ACR: "loa2", AMR: []string{"pwd"},
		Stamp: 1772366400000000, object: `{"name":"Zoë","n":[1.5,null]}`,
	}
	payload, err := w.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, ok := plainClaims(string(payload))
	if !ok || !reflect.DeepEqual(got, w) {
		t.Errorf("%v, %+v", ok, got)
	}
	if err := got.check(Foreign{}); err != nil {
		t.Error(err)
	}
}
