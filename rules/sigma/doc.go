// Package sigma turns Sigma rules (https://sigmahq.io, specification 2.1) into
// Mimamori's rule files: one readable YAML each, by mapping tables that are
// data (mappings.yaml). A rule that the language cannot express exactly is
// refused with its reason; nothing is approximated. Under pressure it does
// nothing special: it is a batch tool that reads files and writes files.
package sigma
