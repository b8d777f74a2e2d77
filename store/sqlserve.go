package store

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"mimamori/event"
)

// sqlAnswer is what a box's process says.
type sqlAnswer struct {
	Columns []string
	Rows    [][]sqlValue
	Cut     bool
	Mistake string // what DuckDB has against the statement
	Failure string // what else went wrong
	Memory  bool   // there was not enough
}

// sqlValue is a cell on its way between processes.
type sqlValue struct {
	Kind  event.Type // Keyword, Long, Double or Boolean
	Null  bool
	Text  string
	Int   int64
	Float float64
}

// maxAnswer bounds what a box's process may say, in bytes.
const maxAnswer = 8 * sqlBytes

// inBox lets a process of its own do the job. It ends with the context.
func (s *Store) inBox(ctx context.Context, job *sqlJob) (*event.Table, error) {
	if len(s.opts.SQLBox) == 0 {
		return nil, fmt.Errorf("store: %w", ErrNoSQL)
	}
	var in bytes.Buffer
	if err := gob.NewEncoder(&in).Encode(job); err != nil {
		return nil, fmt.Errorf("store: SQL: %w", err)
	}
	cmd := exec.CommandContext(ctx, s.opts.SQLBox[0], s.opts.SQLBox[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdin = []string{"MIMAMORI_SQL_BOX=1"}, s.dir, &in
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("store: SQL: %w", err)
	}
	var a sqlAnswer
	told := gob.NewDecoder(io.LimitReader(out, maxAnswer)).Decode(&a)
	ended := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("store: SQL: %w", ctx.Err())
	case told != nil: // the process was ended for its memory
		return nil, fmt.Errorf("store: SQL: %w: %w", event.ErrTooLarge, errors.Join(told, ended))
	}
	return a.table()
}

// ServeSQL is the process of a box: it reads one job, does it within its memory
// and time, and writes the answer. The program calls it for its command sql-box.
func ServeSQL(in io.Reader, out io.Writer) error {
	var job sqlJob
	if err := gob.NewDecoder(in).Decode(&job); err != nil {
		return fmt.Errorf("store: SQL: %w", err)
	}
	if err := boundMemory(job.Bytes); err != nil {
		return fmt.Errorf("store: SQL: %w", err)
	}
	// Should the one who asked be gone, nobody else ends this.
	last := time.AfterFunc(sqlTime+5*time.Second, func() { os.Exit(1) })
	defer last.Stop()
	table, err := job.run(context.Background())
	if err := gob.NewEncoder(out).Encode(answer(table, err)); err != nil {
		return fmt.Errorf("store: SQL: %w", err)
	}
	return nil
}

func answer(table *event.Table, err error) (a sqlAnswer) {
	if m := (*mistake)(nil); errors.As(err, &m) {
		a.Mistake = m.text
		return a
	}
	if err != nil {
		a.Failure, a.Memory = err.Error(), errors.Is(err, event.ErrTooLarge)
		return a
	}
	a.Columns, a.Cut = table.Columns, table.Cut
	for _, row := range table.Rows {
		cells := make([]sqlValue, len(row))
		for i, v := range row {
			if v == nil {
				cells[i].Null = true
				continue
			}
			cells[i] = sqlValue{Kind: v.Kind(), Text: v.Str(), Int: v.Int(), Float: v.Float()}
			if v.Kind() == event.Double {
				cells[i].Int = 0
			}
		}
		a.Rows = append(a.Rows, cells)
	}
	return a
}

// table is the answer as the one who asked has it.
func (a *sqlAnswer) table() (*event.Table, error) {
	switch {
	case a.Mistake != "":
		return nil, &mistake{a.Mistake}
	case a.Memory:
		return nil, fmt.Errorf("store: SQL: %w: %s", event.ErrTooLarge, a.Failure)
	case a.Failure != "":
		return nil, fmt.Errorf("store: SQL: %w: %s", errBox, a.Failure)
	}
	out := &event.Table{Columns: a.Columns, Cut: a.Cut}
	for _, cells := range a.Rows {
		row := make([]*event.Value, len(cells))
		for i, c := range cells {
			row[i] = c.value()
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// errBox is wrapped by what a box's process reports of itself.
var errBox = errors.New("the process that runs the statement failed")

func (c sqlValue) value() *event.Value {
	v := event.String(c.Text)
	switch {
	case c.Null:
		return nil
	case c.Kind == event.Long:
		v = event.Int(c.Int)
	case c.Kind == event.Double:
		v = event.Float(c.Float)
	case c.Kind == event.Boolean:
		v = event.Bool(c.Int == 1)
	}
	return &v
}
