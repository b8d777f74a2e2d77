package cli

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// maxLine bounds a line of input; what is longer is an error that names the line.
const maxLine = 64 << 20

// source is log lines as the flags describe them.
type source struct {
	format string
	field  string // JSON field that holds the line; "" takes the line as it is
	zone   string // time zone of times without one
	input  string
}

func (s *source) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.format, "format", "auto", "format of the lines: auto or a format's name")
	c.Flags().StringVar(&s.field, "json-field", "", "each input line is a JSON object whose field of this name is the log line, a string or an object")
	c.Flags().StringVar(&s.zone, "tz", "Asia/Tokyo", "time zone of times that name none")
}

// open opens the input: a file, gzip by its name, or standard input.
func (p *program) open(path string) (io.ReadCloser, error) {
	if path == "" || path == "-" {
		return io.NopCloser(p.In), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return f, nil
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		_ = f.Close() // read only
		return nil, fmt.Errorf("input: %s: %w", path, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}

// each calls fn with every line of the input, numbered from 1.
func (s *source) each(r io.Reader, fn func(n int, line string) error) error {
	in := bufio.NewReaderSize(r, 1<<20)
	for n := 1; ; n++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) && line == "" {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if line, err = s.unwrap(line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := fn(n, line); err != nil {
			return err
		}
	}
}

// readLine reads up to the line's end, which it removes.
func readLine(in *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		part, err := in.ReadSlice('\n')
		b.Write(part)
		if b.Len() > maxLine {
			return "", fmt.Errorf("it is longer than %d bytes", maxLine)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return strings.TrimSuffix(strings.TrimSuffix(b.String(), "\n"), "\r"), err
	}
}

// unwrap takes the log line out of its JSON object.
func (s *source) unwrap(line string) (string, error) {
	if s.field == "" {
		return line, nil
	}
	var obj map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &obj); err != nil {
		return "", fmt.Errorf("no JSON object: %w", err)
	}
	raw, ok := obj[s.field]
	if !ok {
		return "", fmt.Errorf("the object has no field %q", s.field)
	}
	if raw[0] != '"' {
		return string(raw), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("field %q: %w", s.field, err)
	}
	return text, nil
}
