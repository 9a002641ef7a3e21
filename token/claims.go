package token

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
)

// Claims is what a session's access tokens say. The bearer can read all of it: it is signed, not
// encrypted (RFC 9068 section 6), so no secret belongs here.
type Claims struct {
	Subject   string    `json:"subject"`
	SessionID string    `json:"session_id,omitempty"`
	ClientID  string    `json:"client_id,omitempty"`
	Scope     []string  `json:"scope,omitempty"`
	AuthTime  time.Time `json:"auth_time,omitzero"` // when the user last proved who they are
	ACR       string    `json:"acr,omitempty"`
	AMR       []string  `json:"amr,omitempty"`
	Actor     string    `json:"actor,omitempty"` // "act": who really acts, for impersonation
	// Data is the application's own JSON object. It is bytes and not any, because it comes back
	// from the store at every refresh: any would turn a struct into a map and an int64 into a
	// float64.
	Data json.RawMessage `json:"data,omitempty"`
}

// SetData encodes v, which must become a JSON object, as the application's object. Give fields json
// tags: Data finds members by their exact names, including case.
func (c *Claims) SetData(v any) error {
	b, err := jsonv2.Marshal(v, jsonv2.Deterministic(true))
	if err != nil {
		return fmt.Errorf("token: application data: %w", err)
	}
	if len(b) == 0 || b[0] != '{' {
		return fmt.Errorf("token: application data must be a JSON object, and %T is not", v)
	}
	c.Data = b
	return nil
}

// Clone returns a copy that shares nothing with c.
func (c Claims) Clone() Claims {
	c.Scope = slices.Clone(c.Scope)
	c.AMR = slices.Clone(c.AMR)
	c.Data = slices.Clone(c.Data)
	return c
}

// validScope reports whether s is a scope-token of RFC 6749 section 3.3.
func validScope(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r < '!' || r > '~' || r == '"' || r == '\\'
	})
}

// Client says who presents a credential. It is kept with the session and shown in the device list,
// and a refresh token works only for the client, by ID, that it was given to.
type Client struct {
	// ID is the OAuth client_id; empty means the issuer's own login.
	ID        string     `json:"id,omitempty"`
	UserAgent string     `json:"user_agent,omitempty"`
	Addr      netip.Addr `json:"addr,omitzero"`
}
