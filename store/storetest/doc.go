// Package storetest is one suite for every event store: a made corpus, odd
// events written by hand, a list of questions and conditions made at random,
// whose answers are compared with those of the language's own programs over the
// events in memory. It is for tests: it blocks on the store under test only.
package storetest
