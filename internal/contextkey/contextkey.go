// Package contextkey has the key under which a request's context carries the token that a guard checked.
// It is shared by package token, which reads it, and package middleware, whose context answers it among
// others at the cost of one allocation for all.
package contextkey

// Token is the key; the value is a *token.Verified.
type Token struct{}
