#!/usr/bin/env bash
# Fetches Elasticsearch for the tests from Maven Central, by Maven, into
# $MIMAMORI_ENGINES (default ~/.cache/mimamori/engines): a stripped distribution
# that Elastic publishes for tests, which is never part of the project. Its
# checksum is pinned; a second run does nothing. Needs mvn and unzip.
set -euo pipefail

version=8.19.21
sha256=215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a

exec "$(dirname "$0")/from-maven.sh" elasticsearch org.elasticsearch.distribution.integ-test-zip "$version" "$sha256"
