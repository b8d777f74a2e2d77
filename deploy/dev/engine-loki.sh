#!/bin/sh
# Builds the Loki that tests run against, from its Go module, into
# $MIMAMORI_ENGINES/loki-VERSION (default ~/.cache/mimamori/engines). It takes
# minutes, once; a second call finds it there.
set -eu

version=v3.7.8
sum='h1:bJ0WFWVOjgvG/jYmT9fIX15SYXXDwuEu/IMgTwMA97U='

to=${MIMAMORI_ENGINES:-$HOME/.cache/mimamori/engines}/loki-$version
[ -x "$to/loki" ] && exit 0

go=${GO:-go}
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
cd "$tmp"
got=$(GOFLAGS=-mod=mod "$go" mod download -json "github.com/grafana/loki/v3@$version")
dir=$(printf '%s' "$got" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
if ! printf '%s' "$got" | grep -qF "\"Sum\": \"$sum\""; then
	echo "engine-loki.sh: the module github.com/grafana/loki/v3@$version has another checksum than $sum; got:" >&2
	printf '%s\n' "$got" >&2
	exit 1
fi
cp -R "$dir" src
chmod -R u+w src
cd src
"$go" mod edit -dropreplace github.com/grafana/loki/pkg/push # the module has no folder for it
mkdir -p "$to"
CGO_ENABLED=0 GOFLAGS="-mod=mod -trimpath -buildvcs=false" "$go" build -ldflags '-s -w' -o "$to/loki.tmp" ./cmd/loki
mv "$to/loki.tmp" "$to/loki"
chmod -R a+rX "$to"
