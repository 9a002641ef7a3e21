# `make` lists the targets.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
# Where govulncheck finds its database, if not where it looks by itself: file:///path of a copy.
VULNDB ?=
# A number of runs and not a time: a time that ends while a run is under way is reported as a failure of
# that run now and then.
FUZZTIME ?= 20000x
NESTED = e2e interop bench pkcs11 faults examples/routers

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: ## build and start examples/quickstart on http://127.0.0.1:8080
	go run ./examples/quickstart

run-api: ## beside it: build and start examples/api on http://127.0.0.1:8081
	WRIT_ISSUER=http://127.0.0.1:8080 WRIT_AUDIENCE=http://127.0.0.1:8080 go run ./examples/api

test: ## every test of the library, under three minutes
	go test ./...

check: fmt vet staticcheck race fuzz-short vuln ## what a change must pass

fmt:
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt these files:"; echo "$$out"; exit 1; fi

vet:
	go vet ./...
	@for m in $(NESTED); do echo "go vet $$m"; (cd $$m && go vet ./...) || exit 1; done

staticcheck:
	go run $(STATICCHECK) ./...

race: ## every test under the race detector
	go test -race ./...

fuzz-short:
	@$(MAKE) --no-print-directory fuzz FUZZTIME=$(FUZZTIME)

fuzz: ## each fuzz target for FUZZTIME (make fuzz FUZZTIME=10m)
	@set -e; out=$$(mktemp); trap 'rm -f "$$out"' EXIT; for module in . interop; do cd $(CURDIR)/$$module; for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "fuzz $$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$pkg > "$$out" 2>&1 || { cat "$$out"; exit 1; }; \
			tail -1 "$$out"; \
		done; \
	done; done

# Without its database govulncheck can say nothing. That is no reason to fail on a machine that is cut
# off, but it is said aloud; anything else that govulncheck says counts.
vuln:
	@out=$$(go run $(GOVULNCHECK) $(if $(VULNDB),-db $(VULNDB)) ./... 2>&1) && echo "$$out" || { \
		echo "$$out"; \
		[ -z "$(VULNDB)" ] && echo "$$out" | grep -q "fetching vulnerabilities" && \
		echo "NOT CHECKED: govulncheck cannot reach its database from here (VULNDB names a copy)"; }

explore: ## the whole exploration of refresh rotation
	WRIT_EXPLORE=full go test -run Explore -timeout 60m -v ./rotation

crash: ## kill the quickstart at random, many times
	WRIT_CRASH_ROUNDS=200 go test -run Crash -timeout 30m -v ./examples/quickstart

# What it tests is a program that it builds, which the test cache does not know.
e2e: ## what a browser decides, and the quickstart, in a real Chromium
	cd e2e && go test -count=1 ./...

# No lock file: it would pin a registry. The version is exact, and the package has no dependencies.
interop: ## test vectors, and what other libraries make of our tokens and we of theirs
	npm install --no-package-lock --no-audit --no-fund --ignore-scripts --prefix interop/jose
	cd interop && go test -count=1 ./...
	cd bench && go test -count=1 ./...

routers: ## a guard behind chi, gin, echo and fiber
	cd examples/routers && go test -race -count=1 ./...

pkcs11: ## keys in a real SoftHSM (Debian: apt-get install softhsm2)
	cd pkcs11 && go test -race -count=1 ./...

rings: ## the whole simulation of rotating keys
	WRIT_RINGS=full go test -run Fleet -timeout 30m -v ./keys

faults: ## the whole Manager on every store, while servers are killed, cut off and put back
	cd faults && go test -race -count=1 -timeout 15m .

faults-long: ## the same for an hour
	cd faults && WRIT_FAULTS=long go test -count=1 -timeout 90m .

bench: ## writ beside its peers and on every store, some minutes; writes bench/RESULTS.md
	cd bench && go run .

bench-sessions: ## with a million sessions; writes bench/RESULTS.md
	cd bench && go run . -sessions

bench-spread: ## how soon a logout is known on other nodes; writes bench/RESULTS.md
	cd bench && go run ./spread

bench-scale: ## the simulation of 10,000 followers; writes docs/scale.md and its plot
	cd bench && go run ./scale

.PHONY: help run run-api test check fmt vet staticcheck race fuzz-short fuzz vuln explore crash e2e interop routers pkcs11 rings faults faults-long bench bench-sessions bench-spread bench-scale
