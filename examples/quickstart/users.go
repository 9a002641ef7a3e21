package main

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/writ-go/writ"
)

// user is an account. Whoever gets hold of the hash still has to guess the password.
type user struct {
	name         string
	passwordHash string // bcrypt
	scope        []string
}

// profile is what every access token says of its user, beside the standard claims.
type profile struct {
	Name string `json:"name"`
}

// users checks passwords. A real application keeps its users in its database, and slows down who
// guesses at one account's password.
type users struct {
	accounts map[string]user
	turns    chan struct{} // hashing is slow by design: no more at a time than there are processors
}

// demoUsers has two accounts whose passwords everybody knows: wonderland and builder. The hashes are
// DEMO VALUES.
func demoUsers() *users {
	return &users{
		accounts: map[string]user{
			"alice": {"Alice Liddell", "$2a$10$jddOXPRqjwWSbM9MTn7wve8ohalTpeUsuMCK/QIVSpEJCpAcHRy96", []string{"notes", "admin"}},
			"bob":   {"Bob Baumeister", "$2a$10$bdXyBgXtA1pnJ4djkEE5ueiPDoytR19PAyxWgHFs143OwSHTnk.SS", []string{"notes"}},
		},
		turns: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
}

const longestWait = 5 * time.Second // for a turn

// check reports whether this is the user's password. It takes as long for a user that does not
// exist. An error means that it could not be checked now.
func (u *users) check(ctx context.Context, username, password string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	select {
	case u.turns <- struct{}{}:
		defer func() { <-u.turns }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	account, known := u.accounts[username]
	if !known {
		account = u.accounts["alice"] // as slow as any other
	}
	right := bcrypt.CompareHashAndPassword([]byte(account.passwordHash), []byte(password)) == nil
	return known && right, nil
}

// onIssue says what a user's tokens are good for. It runs at every refresh too, so that a role that
// was taken away is gone with the next token, and an account that was closed has no next token.
func (u *users) onIssue(_ context.Context, s *writ.Session) error {
	account, known := u.accounts[s.Claims.Subject]
	if !known {
		return writ.ErrRefused
	}
	s.Claims.Scope = account.scope
	return s.Claims.SetData(profile{account.name})
}
