// Package format turns log lines into events. A log format is data: a YAML file
// that says how to recognise a line, how to cut it into keys and values, how the
// keys map to ECS fields, and how the event is categorised (FORMAT.md is the
// language on one page). The files are compiled once into closures over field
// slots; a Parser then works without a map per event and without an allocation
// per field.
//
// Under pressure the package neither blocks nor drops: every line becomes an
// event. A line that no format takes keeps its text in message and says why in
// quarantine. Time is linear in the line's length and memory is bounded: nesting,
// the number of pairs in a line, of keys remembered per parser and of vendor
// fields per format have limits, and what lies beyond a limit is counted in
// Result.Dropped, while event.original keeps the whole line.
package format
