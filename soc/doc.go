// Package soc keeps what people do about findings: alerts and their states,
// users, one-time links and sessions, in SQLite.
//
// An alert is inserted once, whatever the number of times it arrives: its
// identity is event.Alert.ID. A batch of alerts is one transaction, on disk
// (fsync) when Insert returns. Every change of an alert adds to its history,
// which nothing rewrites, and names the revision that its author saw, so that
// two people never overwrite each other unknowingly.
//
// Whoever may see one municipality only is restricted by the query: every read
// and change takes the list of tenants (nil is all, an empty list is nothing).
//
// Under pressure: there is one writer at a time; others block until it is done
// or their context ends, readers never wait for it. Password hashing is
// memory-hard and limited to two at a time; further sign-ins wait their turn.
// Failed sign-ins are slowed per account, address and browser, never for more
// than fifteen minutes, and a browser that has signed in before has an
// allowance of its own, so that nobody can lock another out. An alert's
// evidence beyond MaxEvidence events is not kept; Alert.Count says how many
// there were.
package soc
