package token

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// encode writes the payload. The error is a text that is not valid UTF-8.
func (w *wire) encode() ([]byte, error) {
	e := encoder{b: make([]byte, 0, 512+len(w.object))}
	e.text("iss", w.Issuer)
	e.text("sub", w.Subject)
	if len(w.Audience) == 1 {
		e.text("aud", w.Audience[0])
	} else {
		e.texts("aud", w.Audience)
	}
	e.whole("exp", int64(w.Expires))
	e.whole("nbf", int64(w.NotBefore))
	e.whole("iat", int64(w.IssuedAt))
	e.text("jti", w.ID)
	e.text("client_id", w.ClientID)
	e.text("sid", w.SessionID)
	e.text("scope", w.Scope)
	e.whole("auth_time", int64(w.AuthTime))
	e.text("acr", w.ACR)
	e.texts("amr", w.AMR)
	if w.Actor != nil {
		e.name("act")
		e.b = append(e.b, `{"sub":`...)
		e.quote(w.Actor.Subject)
		e.b = append(e.b, '}')
	}
	e.whole("ist", w.Stamp)
	if w.object != "" {
		e.name("data")
		e.b = append(e.b, w.object...)
	}
	return append(e.b, '}'), e.err
}

// encoder writes members that are not empty.
type encoder struct {
	b   []byte
	err error
}

func (e *encoder) name(name string) {
	between := byte(',')
	if len(e.b) == 0 {
		between = '{'
	}
	e.b = append(append(append(e.b, between, '"'), name...), `":`...)
}

func (e *encoder) quote(text string) {
	b, err := jsontext.AppendQuote(e.b, text)
	if err != nil {
		e.err = err
		return
	}
	e.b = b
}

func (e *encoder) text(name, value string) {
	if value != "" {
		e.name(name)
		e.quote(value)
	}
}

func (e *encoder) texts(name string, values []string) {
	if len(values) == 0 {
		return
	}
	e.name(name)
	between := byte('[')
	for _, v := range values {
		e.b = append(e.b, between)
		e.quote(v)
		between = ','
	}
	e.b = append(e.b, ']')
}

func (e *encoder) whole(name string, value int64) {
	if value != 0 {
		e.name(name)
		e.b = strconv.AppendInt(e.b, value, 10)
	}
}
