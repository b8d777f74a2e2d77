#!/usr/bin/env bash
# Fetches OpenSearch for the tests from Maven Central, by Maven, into
# $MIMAMORI_ENGINES (default ~/.cache/mimamori/engines): the distribution that
# its project publishes for tests, which is never part of this one. Its checksum
# is pinned; a second run does nothing. Only MIMAMORI_OPENSEARCH=1 fetches it: it
# needs Java 21 or newer to run, which Debian 12 does not have. Needs mvn and unzip.
set -euo pipefail

version=3.6.0
sha256=a91faa1dc1cadc78cb278b4f63847e19e1627a4e9de698e14e7efc14ee37b286

if [ -z "${MIMAMORI_OPENSEARCH:-}" ]; then
	echo "opensearch $version: left out (MIMAMORI_OPENSEARCH=1 fetches it)"
	exit 0
fi
exec "$(dirname "$0")/from-maven.sh" opensearch org.opensearch.distribution.integ-test-zip "$version" "$sha256"
