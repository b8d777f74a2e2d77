package event

import "time"

// ArrivalFields are what is known of an event's arrival at the prefecture: the
// first of them that it has counts.
func ArrivalFields() [3]Field {
	return [3]Field{MustLookup("event.ingested"), MustLookup("received"), MustLookup("@timestamp")}
}

// Arrived reads the municipality of an event as AppendJSON writes it, and when it
// arrived at the prefecture: in 1970 when nothing says so.
func Arrived(text []byte) (municipality string, at time.Time, err error) {
	x, b := new(Builder), new(Batch)
	if err := x.Decode(text); err != nil {
		return "", time.Time{}, err
	}
	b.Append(x, Ref{})
	e := &b.Events[0]
	at = time.Unix(0, 0)
	for _, f := range ArrivalFields() {
		if v, ok := e.Get(f); ok {
			at = time.Unix(0, v.Int())
			break
		}
	}
	return e.Str(MustLookup("municipality")), at, nil
}
