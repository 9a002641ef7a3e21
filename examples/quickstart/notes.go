package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/writ-go/writ/token"
)

const longestNote = 2000 // characters; the page's textarea says so too

// note is empty for who has written none.
func (d *database) note(ctx context.Context, username string) (text string, err error) {
	err = d.db.QueryRowContext(ctx, `SELECT text FROM notes WHERE username = ?`, username).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, err
}

func (d *database) setNote(ctx context.Context, username, text string) error {
	_, err := d.db.ExecContext(ctx, `INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET text = excluded.text`, username, text)
	return err
}

// writeNote keeps the form's text. The guard has made sure that the form is this site's own.
func (a *app) writeNote(w http.ResponseWriter, r *http.Request, t *token.Verified) {
	if !parseForm(w, r) {
		return
	}
	text := strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n") // browsers count a line end as one character
	if utf8.RuneCountInString(text) > longestNote || !utf8.ValidString(text) {
		http.Error(w, fmt.Sprintf("A note is at most %d characters of text.", longestNote), http.StatusRequestEntityTooLarge)
		return
	}
	if err := a.db.setNote(r.Context(), t.Subject(), text); err != nil {
		a.broken(w, r, err)
		return
	}
	if !prefersJSON(r) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"text": text})
}
