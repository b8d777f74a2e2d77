#!/usr/bin/env bash
# Fetches Elasticsearch for the tests from Maven Central, by Maven, into
# $MIMAMORI_ENGINES (default ~/.cache/mimamori/engines): a stripped distribution
# that Elastic publishes for tests, which is never part of the project. Its
# checksum is pinned; a second run does nothing. Needs mvn and unzip.
set -euo pipefail

version=8.19.21
sha256=215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a

engines=${MIMAMORI_ENGINES:-$HOME/.cache/mimamori/engines}
home=$engines/elasticsearch-$version
if [ -e "$home/bin/elasticsearch" ]; then
	echo "elasticsearch $version: there already"
	exit 0
fi
for tool in mvn unzip sha256sum; do
	command -v "$tool" >/dev/null || { echo "elasticsearch: $tool is needed: apt-get install maven unzip coreutils" >&2; exit 1; }
done

mkdir -p "$engines"
work=$(mktemp -d "$engines/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
	-Dartifact="org.elasticsearch.distribution.integ-test-zip:elasticsearch:$version:zip" \
	-DoutputDirectory="$work" -Dmdep.useBaseVersion=true
zip=$work/elasticsearch-$version.zip
echo "$sha256  $zip" | sha256sum --check --quiet
unzip -q "$zip" -d "$work"
# The whole folder appears at once: a run that was cut leaves none.
mv "$work/elasticsearch-$version" "$home"
echo "elasticsearch $version: $home"
