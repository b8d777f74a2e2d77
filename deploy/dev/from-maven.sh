#!/usr/bin/env bash
# Fetches a test engine from Maven Central: from-maven.sh NAME GROUP VERSION SHA256.
set -euo pipefail

name=$1 group=$2 version=$3 sha256=$4
engines=${MIMAMORI_ENGINES:-$HOME/.cache/mimamori/engines}
home=$engines/$name-$version
if [ -e "$home/bin/$name" ]; then
	echo "$name $version: there already"
	exit 0
fi
for tool in mvn unzip sha256sum; do
	command -v "$tool" >/dev/null || { echo "$name: $tool is needed: apt-get install maven unzip coreutils" >&2; exit 1; }
done

mkdir -p "$engines"
work=$(mktemp -d "$engines/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
	-Dartifact="$group:$name:$version:zip" -DoutputDirectory="$work" -Dmdep.useBaseVersion=true
zip=$work/$name-$version.zip
echo "$sha256  $zip" | sha256sum --check --quiet
unzip -q "$zip" -d "$work"
# The whole folder appears at once: a run that was cut leaves none.
mv "$work/$name-$version" "$home"
echo "$name $version: $home"
