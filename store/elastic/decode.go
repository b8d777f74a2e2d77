package elastic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"mimamori/event"
)

// source is a document as it comes back.
type source struct {
	Vendor map[string]any `json:"vendor"`
	Own    struct {
		Collector string         `json:"collector"`
		Source    string         `json:"source"`
		Epoch     uint64         `json:"epoch"`
		Seq       uint64         `json:"seq"`
		Odd       []string       `json:"odd"`
		Values    map[string]any `json:"values"`
	} `json:"mimamori"`
}

// decode appends a document to the batch as the event that it was made of. Its
// error names the document that nobody here wrote, or that was changed.
func decode(text []byte, x *event.Builder, to *event.Batch) error {
	var own source
	fields := map[string]any{}
	for _, into := range []any{&own, &fields} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(into); err != nil {
			return fmt.Errorf("elasticsearch: document: %w", err)
		}
	}
	delete(fields, "vendor")
	delete(fields, "mimamori")
	if slices.Contains(own.Own.Odd, untimed) || slices.Contains(own.Own.Odd, "@timestamp") {
		delete(fields, "@timestamp")
	}
	x.Reset()
	for _, m := range []map[string]any{fields, own.Vendor} {
		if err := x.SetMap(m); err != nil {
			return fmt.Errorf("elasticsearch: document %s: %w", own.Own.Source, err)
		}
	}
	for name, v := range own.Own.Values {
		f, ok := event.Intern(name)
		if !ok {
			continue // the registry is full: the line still has it
		}
		if value, ok := valueOf(f.Type(), v); ok {
			x.Set(f, value)
		}
	}
	to.Append(x, event.Ref{Collector: own.Own.Collector, Source: own.Own.Source, Epoch: own.Own.Epoch, Seq: own.Own.Seq})
	return nil
}

// valueOf reads what appendValue wrote.
func valueOf(t event.Type, v any) (event.Value, bool) {
	switch v := v.(type) {
	case string:
		if t == event.Double || t == event.Date || t == event.Text {
			if value, ok := event.ParseAs(t, v); ok {
				return value, true
			}
		}
		return event.String(v), true
	case bool:
		return event.Bool(v), true
	case []any:
		value, err := event.Convert(event.List, v)
		return value, err == nil
	case json.Number:
		if t != event.Double && !strings.ContainsAny(v.String(), ".eE") {
			if value, ok := event.ParseAs(event.Long, v.String()); ok {
				return value, true
			}
		}
		return event.ParseAs(event.Double, v.String())
	}
	return event.Value{}, false
}
