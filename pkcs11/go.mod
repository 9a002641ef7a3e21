// Keys in a PKCS#11 token, in a module of their own: it needs cgo, and the library must not.
module github.com/writ-go/writ/pkcs11

go 1.25.0

replace github.com/writ-go/writ => ../

require (
	github.com/miekg/pkcs11 v1.1.2
	github.com/writ-go/writ v0.0.0-00010101000000-000000000000
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgraph-io/ristretto/v2 v2.4.2 // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/fsnotify/fsnotify v1.9.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20251027170946-4849db3c2f7e // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
