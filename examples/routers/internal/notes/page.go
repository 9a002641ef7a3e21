package notes

import (
	"html/template"
	"strings"

	"github.com/writ-go/writ/token"
)

var (
	home = template.Must(template.New("home").Parse(`<!doctype html><title>Notes</title>
{{if .}}<p>Hello, {{.}}. <a href="/me">Your notes</a>.
<form method="post" action="/logout"><button>Sign out</button></form>
{{else}}<form method="post" action="/login">
<label>Name <input name="name" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button></form>{{end}}
`))
	me = template.Must(template.New("me").Parse(`<!doctype html><title>{{.Name}}</title>
<h1>{{.Name}}</h1><ul>{{range .Notes}}<li>{{.}}{{end}}</ul>
`))
)

// Home is the page for t, who may be nobody.
func (a *App) Home(t *token.Verified) string {
	name := ""
	if t != nil {
		name = t.Subject()
	}
	return render(home, name)
}

// Me is the page of the subject's own notes.
func (a *App) Me(subject string) string {
	return render(me, map[string]any{"Name": subject, "Notes": a.List(subject)})
}

func render(t *template.Template, data any) string {
	var page strings.Builder
	if err := t.Execute(&page, data); err != nil {
		panic(err) // a mistake in the template
	}
	return page.String()
}
