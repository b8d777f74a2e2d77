# Each target sets up what it needs: Go 1.26 or newer, a C++ compiler and make
# are enough (Go fetches the modules by itself).

GO            ?= go
DATA          ?= ./data/demo
FUZZTIME      ?= 5s
BENCHTIME     ?= 1s
GOLANGCI_LINT ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# What CI runs, in this order; .ci/run takes the list from here.
CHECKS := lint test race fuzz e2e

.PHONY: demo build test lint fmt race fuzz e2e soak engines bench check checks clean
.DEFAULT_GOAL := build

# The whole system with simulated municipalities. It prints the console's
# address; Ctrl-C ends it, the data stays in $(DATA).
demo: bin/mimamori
	@exec ./bin/mimamori demo --data $(DATA)

build: bin/mimamori bin/mimamori-collector

# Go knows best what is out of date.
.PHONY: bin/mimamori bin/mimamori-collector
bin/mimamori:
	$(GO) build -trimpath -o $@ ./cmd/mimamori

bin/mimamori-collector:
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./cmd/mimamori-collector

# MIMAMORI_CORPORA=DIR adds the tests over public corpora.
test:
	$(GO) test -p 2 -timeout 10m ./...

# internal/lint holds the house rules; golangci-lint holds go vet, staticcheck
# and gofumpt. govulncheck is left out: its database is not a Go module and
# cannot be reached where CI runs.
lint:
	$(GO) test ./internal/lint ./deploy
	$(GO) run $(GOLANGCI_LINT) run ./...

fmt:
	$(GO) run $(GOLANGCI_LINT) fmt ./...

# The corpora are left to `test`: under the race detector they only take longer.
race:
	env -u MIMAMORI_CORPORA $(GO) test -race -short -p 2 -timeout 25m ./...

# Every Fuzz function there is, each for FUZZTIME. Go's fuzzer now and then ends
# with its own deadline and no failing input: that target runs once more.
fuzz:
	@grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' $$file); do \
			echo "fuzz $$(dirname $$file) $$target"; \
			run() { $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -parallel 2 $$(dirname $$file) </dev/null; }; \
			out=$$(run 2>&1) || { case $$out in \
				*"Failing input"*) echo "$$out"; exit 1 ;; \
				*"context deadline exceeded"*) run || exit 1 ;; \
				*) echo "$$out"; exit 1 ;; \
			esac; }; \
		done; \
	done

# Every fault FAULTS times: kill -9 of all programs and stores, cut and thin lines,
# full disks, damaged files; full disks and kills of the collector 50 times at
# most. It takes an hour or two; CI runs a few of each.
FAULTS ?= 200
soak: engines
	MIMAMORI_FAULTS=$(FAULTS) $(GO) test -count=1 -timeout 3h -p 1 -run 'Kill|FullDisk|Flipped|ClockSetBack' ./store ./archive ./internal/app ./collector
	MIMAMORI_FAULTS=$(FAULTS) MIMAMORI_E2E=1 $(GO) test -count=1 -timeout 6h -run 'Killed|BadLine' ./internal/e2e

# The engines that tests run against, each once, into $MIMAMORI_ENGINES (default
# ~/.cache/mimamori/engines): Elasticsearch needs Maven, and Java 17 to run; Loki
# is built, which takes minutes. Only e2e starts them.
engines:
	@for script in deploy/dev/engine-*.sh; do GO="$(GO)" $$script || exit 1; done

# The real programs with real senders, engines and a real browser; needs rsyslog,
# squid and Chromium (.ci/run installs them).
e2e: engines
	MIMAMORI_E2E=1 $(GO) test -count=1 -timeout 20m ./internal/e2e/...
	MIMAMORI_E2E=1 $(GO) test -count=1 -timeout 20m -p 1 ./store/elastic ./store/loki
	MIMAMORI_E2E=1 $(GO) test -count=1 -timeout 5m -run Elasticsearch ./internal/app
	MIMAMORI_E2E=1 $(GO) test -count=1 -timeout 5m -run 'Journal|RealAuditd|InstalledUnit' ./collector ./cmd/mimamori-collector

# OpenSearch in Elasticsearch's place; needs Maven, and Java 21 or newer.
.PHONY: e2e-opensearch
e2e-opensearch:
	MIMAMORI_OPENSEARCH=1 deploy/dev/engine-opensearch.sh
	MIMAMORI_E2E=1 MIMAMORI_OPENSEARCH=1 $(GO) test -count=1 -timeout 20m -run OpenSearch ./store/elastic

bench: build
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) -p 1 ./...
	@for step in collect ingest rules store pipeline; do echo "bench $$step"; ./bin/mimamori bench $$step --json || exit 1; done

check: $(CHECKS)

checks:
	@echo $(CHECKS)

clean:
	rm -rf bin data
