// Package elastic keeps events in an Elasticsearch that others run, and answers
// the questions of the embedded store from it. It follows the embedded store's
// segments as a sink and is never in ingest's way.
//
// Every municipality and dataset has a data stream, logs-DATASET-CODE, so that
// Elasticsearch's own roles can part the municipalities. A document's _id is the
// event's identity, and it is only ever created: an event that comes again is
// told by 409. What the mapping has no place for stays in the document beside
// it, by name (mimamori.values, mimamori.odd), and so does not explode it.
//
// Under pressure: Take blocks its caller, waits longer after each refusal (429,
// 5xx, a connection that breaks) and gives up with an error after a while, or
// with its context; what was taken by then is recognised when it comes again. A
// document that Elasticsearch refuses for good is reported with the reason and
// counted, and the rest goes on. A question that Elasticsearch can answer only
// roughly is narrowed here by the language's own programs; where that would mean
// to read too many events it is refused with ErrVague.
package elastic
