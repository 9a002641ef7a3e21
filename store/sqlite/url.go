package sqlite

import (
	"context"
	"errors"
	"net/url"

	"github.com/writ-go/writ"
)

// OpenURL opens the file that an URL names, sqlite:PATH or sqlite:///PATH, for fromenv.Stores. It
// refuses an URL with anything else in it, because it would have no effect.
func OpenURL(ctx context.Context, u *url.URL) (writ.Store, error) {
	if u.User != nil || u.Host != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, failed("open", errors.New("write the URL as sqlite:PATH, without host, user, query and fragment"))
	}
	path := u.Path
	if u.Opaque != "" {
		var err error
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return nil, failed("open", errors.New("the URL's path has a broken escape: write % as %25"))
		}
	}
	s, err := Open(ctx, path)
	if err != nil {
		return nil, err // and not a nil *Store, which would be no nil writ.Store
	}
	return s, nil
}
