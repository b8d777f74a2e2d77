package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mimamori/collector"
	"mimamori/internal/bus"
	"mimamori/internal/measure"
	"mimamori/internal/sample"
)

// Collect measures the collector: a file to the spool and over NATS to a stream
// of the prefecture, in one process, so that the prefecture's broker is counted
// with it.
func Collect(ctx context.Context, c Config) (r Result, err error) {
	r.Step = "collect"
	path := filepath.Join(c.Dir, "lines.log")
	if err := c.write(path, &r); err != nil {
		return r, err
	}
	key, err := bus.NewKey()
	if err != nil {
		return r, err
	}
	keyFile := filepath.Join(c.Dir, "collector.nk")
	if err := key.Save(keyFile); err != nil {
		return r, err
	}
	town := sample.Towns(1)[0].Code
	server, err := bus.StartServer(bus.ServerConfig{
		Dir: filepath.Join(c.Dir, "bus"), Listen: "127.0.0.1:0", Log: c.Log,
		Users: []bus.User{{Public: key.Public(), Publish: bus.CollectorSubjects(town, "bench")}},
	})
	if err != nil {
		return r, err
	}
	defer server.Close()
	conn, err := server.Connect(ctx)
	if err != nil {
		return r, err
	}
	stream, err := conn.Stream(ctx, bus.StreamConfig{Name: bus.Frames, Subjects: []string{bus.FramesSubjects}})
	if err != nil {
		return r, err
	}
	col, err := collector.New(collector.Config{
		Collector: "bench", Municipality: town, Zone: "internet", Data: filepath.Join(c.Dir, "collector"), Key: keyFile,
		Prefecture: collector.Prefecture{URLs: []string{"nats://" + server.Addr()}},
		Inputs:     []collector.Input{{Source: "file", Type: "file", Paths: []string{path}}},
	}, collector.Options{Log: c.Log, Now: c.Now})
	if err != nil {
		return r, err
	}
	stop := measure.Start()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- col.Run(ctx) }()
	err = shipped(ctx, col, uint64(r.Events), ended)
	r.done(stop())
	state, serr := stream.State(ctx)
	r.WireBytes = int64(state.Bytes)
	cancel()
	return r, errors.Join(err, serr, <-ended)
}

// write puts the lines into a file.
func (c *Config) write(path string, r *Result) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = c.chunks(func(lines []string) error {
		for _, l := range lines {
			r.Events++
			r.RawBytes += int64(len(l)) + 1
			if _, err := w.WriteString(l); err != nil {
				return err
			}
			if err := w.WriteByte('\n'); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, w.Flush(), f.Close())
}

// shipped waits until the prefecture has every line.
func shipped(ctx context.Context, col *collector.Collector, want uint64, ended chan error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			ended <- nil
			return fmt.Errorf("bench: the collector ended early: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		s := col.Stats()
		var lines uint64
		for _, src := range s.Sources {
			lines += src.Lines
		}
		if lines >= want && s.Queue == 0 {
			return nil
		}
	}
}
