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
engines=${MIMAMORI_ENGINES:-$HOME/.cache/mimamori/engines}
home=$engines/opensearch-$version
if [ -e "$home/bin/opensearch" ]; then
	echo "opensearch $version: there already"
	exit 0
fi
for tool in mvn unzip sha256sum; do
	command -v "$tool" >/dev/null || { echo "opensearch: $tool is needed: apt-get install maven unzip coreutils" >&2; exit 1; }
done

mkdir -p "$engines"
work=$(mktemp -d "$engines/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
	-Dartifact="org.opensearch.distribution.integ-test-zip:opensearch:$version:zip" \
	-DoutputDirectory="$work" -Dmdep.useBaseVersion=true
zip=$work/opensearch-$version.zip
echo "$sha256  $zip" | sha256sum --check --quiet
unzip -q "$zip" -d "$work"
# The whole folder appears at once: a run that was cut leaves none.
mv "$work/opensearch-$version" "$home"
echo "opensearch $version: $home"
