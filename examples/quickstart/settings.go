package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/fromenv"
	"github.com/writ-go/writ/store/postgres"
	"github.com/writ-go/writ/store/redis"
	"github.com/writ-go/writ/store/sqlite"
)

// settings reads the WRIT_ variables. What they leave open is kept in dir, so that everything
// survives a restart.
func settings(ctx context.Context, dir string, db *database, address string) (writ.Config, error) {
	defaults := map[string]func() (string, error){
		"WRIT_ISSUER": func() (string, error) { return db.issuer(ctx, address) },
		"WRIT_STORE": func() (string, error) {
			u := url.URL{Scheme: "sqlite", OmitHost: true, Path: filepath.ToSlash(filepath.Join(dir, "writ.db"))}
			return u.String(), nil
		},
		"WRIT_FEED_PUBLIC": func() (string, error) { return "true", nil }, // for examples/api
	}
	if _, set := os.LookupEnv("WRIT_SECRET"); !set && os.Getenv("WRIT_KEYS_IN_CLEAR") != "true" {
		defaults["WRIT_SECRET_FILE"] = func() (string, error) {
			file := filepath.Join(dir, "secret")
			_, err := writ.SecretFile(file)
			return file, err
		}
	}
	for name, value := range defaults {
		if err := setUnset(name, value); err != nil {
			return writ.Config{}, err
		}
	}
	return fromenv.Config(ctx, fromenv.Stores{
		"sqlite":   sqlite.OpenURL,
		"postgres": postgres.OpenURL,
		"redis":    redis.OpenURL,
		"rediss":   redis.OpenURL,
	})
}

// setUnset gives a variable that is not set a value.
func setUnset(name string, value func() (string, error)) error {
	if _, set := os.LookupEnv(name); set {
		return nil
	}
	v, err := value()
	if err != nil {
		return err
	}
	return os.Setenv(name, v)
}
