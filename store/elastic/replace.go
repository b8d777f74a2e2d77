package elastic

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"mimamori/event"
)

// Replace is Take of events that Elasticsearch may have as they were before they
// were read anew. Each is looked for in all backing indices of its municipality, and written
// over where it is; one that belongs to another stream now is deleted there
// first, and one that was there twice is there once. Until Replace returns nil a
// moved event may be in neither stream, and it comes again.
//
// One that can't be written over, since its index is closed to writing or the role
// may not, is reported as refused: what is there stays as it was.
func (s *Store) Replace(ctx context.Context, b *event.Batch) error {
	return s.insist(ctx, b, s.exchange)
}

// change is one action on a document that is there.
type change struct {
	doc     *document
	text    []byte
	deletes bool
}

// exchange is a round of Replace.
func (s *Store) exchange(ctx context.Context, docs []*document) ([]*document, error) {
	if err := s.ensure(ctx, towns(docs)); err != nil {
		return docs, err
	}
	have, err := s.find(ctx, docs, true)
	if err != nil {
		return docs, err
	}
	var changes []change
	var fresh []*document
	for _, d := range docs {
		list, there := d.changes(have[d.id])
		if changes = append(changes, list...); !there {
			fresh = append(fresh, d)
		}
	}
	again, err := s.apply(ctx, changes)
	if err != nil && again == nil {
		return docs, err
	}
	var left []*document
	for _, d := range docs {
		if again[d] {
			left = append(left, d)
		}
	}
	for len(fresh) > 0 {
		n := chunk(fresh)
		var part []*document
		for _, d := range fresh[:n] {
			if _, waits := again[d]; !waits {
				part = append(part, d)
			}
		}
		more, e := s.create(ctx, part)
		left, fresh = append(left, more...), fresh[n:]
		if e != nil {
			err = e
		}
	}
	return left, err
}

// create is send for documents that must not be there yet: one that is, is looked
// at again.
func (s *Store) create(ctx context.Context, docs []*document) ([]*document, error) {
	if len(docs) == 0 {
		return nil, nil
	}
	there := s.there.Load()
	left, err := s.send(ctx, docs)
	if err == nil && s.there.Load() != there {
		return docs, &Error{Status: http.StatusConflict, Type: "version_conflict_engine_exception", Reason: "a document came in between"}
	}
	return left, err
}

// backing is what Elasticsearch and OpenSearch append to a stream's name.
var backing = regexp.MustCompile(`^-([0-9]{4}\.[0-9]{2}\.[0-9]{2}-)?[0-9]{6,}$`)

func (d *document) in(index string) bool {
	rest, ok := strings.CutPrefix(index, ".ds-"+d.stream)
	return ok && backing.MatchString(rest)
}

// changes are the actions by which what is there becomes the document; there is
// false when it is to be created.
func (d *document) changes(have []kept) (out []change, there bool) {
	_, source, _ := bytes.Cut(d.text, []byte{'\n'})
	for _, h := range have {
		at := `{"_index":` + string(event.AppendString(nil, h.Index)) + `,"_id":` + string(event.AppendString(nil, h.ID)) +
			`,"if_seq_no":` + strconv.FormatInt(h.SeqNo, 10) + `,"if_primary_term":` + strconv.FormatInt(h.Primary, 10) + "}}\n"
		switch {
		case there || !d.in(h.Index):
			out = append(out, change{doc: d, text: []byte(`{"delete":` + at), deletes: true})
		case !bytes.Equal(bytes.TrimSpace(h.Source), bytes.TrimSpace(source)):
			out = append(out, change{doc: d, text: append([]byte(`{"index":`+at), source...)})
			fallthrough
		default:
			there = true
		}
	}
	return out, there
}

// apply sends changes; again are the documents that are to be looked at again
// (true) and those that stay as they are (false), nil when nothing is known.
func (s *Store) apply(ctx context.Context, changes []change) (again map[*document]bool, err error) {
	again = map[*document]bool{}
	for len(changes) > 0 {
		var text bytes.Buffer
		n := 0
		for n < len(changes) && (n == 0 || text.Len()+len(changes[n].text) <= maxBulk) {
			text.Write(changes[n].text)
			n++
		}
		items, e := s.bulk(ctx, &text, n, nil)
		if e != nil {
			return nil, e
		}
		for i, o := range items {
			c := changes[i]
			switch {
			case o.Status < 300, c.deletes && o.Status == http.StatusNotFound:
				s.changed.Add(1)
			case o.Status == http.StatusForbidden, o.Status == http.StatusBadRequest && permanent(o.Error.Type):
				again[c.doc] = false
				s.refuse(c.doc.ref, "what is there of it can't be written over, and stays: "+o.reason())
			default:
				again[c.doc] = true
				err = &Error{Status: max(o.Status, http.StatusInternalServerError), Type: o.Error.Type, Reason: o.reason()}
			}
		}
		changes = changes[n:]
	}
	if err != nil {
		err = fmt.Errorf("writing over: %w", err)
	}
	return again, err
}
