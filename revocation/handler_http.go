package revocation

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxQuery = 1 << 10 // bytes
	maxWait  = 25 * time.Second
	// sendTime is how long a client may take to read an answer.
	sendTime = 30 * time.Second
)

// query is what a request asks for.
type query struct {
	after       *cursor // nil: a snapshot
	page, pages int     // pages is 0 where it is not asked for one
	wait        time.Duration
}

func (h *Handler) parse(raw string) (q query, err error) {
	if len(raw) > maxQuery {
		return q, errors.New("the query is too long")
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, errors.New("the query is not well-formed")
	}
	for _, name := range []string{"page", "after", "wait"} {
		if len(values[name]) > 1 {
			return q, fmt.Errorf("%s is there twice", name)
		}
	}
	if values.Has("wait") {
		s, err := strconv.ParseUint(values.Get("wait"), 10, 16)
		if err != nil || time.Duration(s)*time.Second > maxWait || !values.Has("after") {
			return q, errors.New("wait must be 0 to 25, and stand beside after")
		}
		q.wait = time.Duration(s) * time.Second
	}
	if values.Has("page") {
		if values.Has("after") {
			return q, errors.New("page and after exclude each other")
		}
		q.page, q.pages, err = parsePage(values.Get("page"))
	}
	if values.Has("after") {
		c, err := h.cursors.parse(values.Get("after"))
		if err != nil {
			return q, err
		}
		q.after = &c
	}
	return q, err
}

// parsePage reads K.N: N a power of two, K less than it, both in their one spelling.
func parsePage(text string) (page, pages int, err error) {
	k, n, _ := strings.Cut(text, ".")
	page, errPage := strconv.Atoi(k)
	pages, errPages := strconv.Atoi(n)
	if errPage != nil || errPages != nil || pages < 1 || pages > maxPages || pages&(pages-1) != 0 ||
		page < 0 || page >= pages || text != pageText(page, pages) {
		return 0, 0, errors.New("page is not K.N of this feed")
	}
	return page, pages, nil
}

func pageText(page, pages int) string { return strconv.Itoa(page) + "." + strconv.Itoa(pages) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if !h.config.Public && !h.config.Allow(req) {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	q, err := h.parse(req.URL.RawQuery)
	switch {
	case errors.Is(err, errForeign):
		err = errGone
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if req.Method == http.MethodHead {
		q.wait = 0
	}
	// Servers have a time limit for whole answers that would end the waiting; not all can move it.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(q.wait + sendTime))
	var a *signed
	age := 1 // seconds for which a cache may keep the answer
	if err == nil {
		switch {
		case q.after != nil:
			a, err = h.changes(req.Context(), *q.after, q.wait)
		case q.pages > 0:
			age = 10 // more would do no harm but to those who are then told to begin anew
			a, err = h.page(req.Context(), q.page, q.pages)
			if err == nil && a.isWanted(req) {
				defer h.admission.send()()
			}
		default:
			var pages int
			a, pages, err = h.snapshot(req.Context())
			if err == nil && a.isWanted(req) && !h.admission.admit(pages, h.config.MaxSnapshots) {
				err = errBusy
			}
		}
	}
	if err != nil {
		h.refuse(w, err)
		return
	}
	if h.config.Public && q.wait == 0 {
		w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(age))
	}
	a.serve(w, req)
}

// refuse says no more than what to do.
func (h *Handler) refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errGone):
		http.Error(w, "take a new snapshot", http.StatusGone)
	default: // the list is too old, nobody can sign, too many wait or take a snapshot, or the client has gone
		after := 1
		if errors.Is(err, errBusy) { // who are many, and are not to come back together
			after += rand.N(3)
		}
		w.Header().Set("Retry-After", strconv.Itoa(after))
		http.Error(w, "unavailable for now", http.StatusServiceUnavailable)
	}
}

// isKnown reports whether the client has the answer already.
func (a *signed) isKnown(req *http.Request) bool {
	for tag := range strings.SplitSeq(strings.Join(req.Header.Values("If-None-Match"), ","), ",") {
		if strings.TrimPrefix(strings.TrimSpace(tag), "W/") == a.etag {
			return true
		}
	}
	return false
}

// isWanted reports whether the client will get the answer as a whole.
func (a *signed) isWanted(req *http.Request) bool {
	return req.Method == http.MethodGet && !a.isKnown(req)
}

func (a *signed) serve(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("ETag", a.etag)
	if a.isKnown(req) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.head)+len(a.records)))
	if req.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(a.head); err == nil {
		w.Write(a.records) // who hangs up, hangs up
	}
}
