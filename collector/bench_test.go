//go:build unix

package collector

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"mimamori/internal/bus"
)

// trafficLine is a made line in the shape of a firewall's, some 640 bytes.
func trafficLine(i int) string {
	h := uint32(i) * 2654435761
	return fmt.Sprintf(`<189>date=2026-11-22 time=%02d:%02d:%02d devname="fw-town-01" devid="FGT60FTK00000001" eventtime=%d tz="+0900" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.%d.%d.%d srcport=%d srcintf="internal" srcintfrole="lan" dstip=203.0.113.%d dstport=%d dstintf="wan1" dstintfrole="wan" srccountry="Reserved" dstcountry="Japan" sessionid=%d proto=6 action="%s" policyid=%d policytype="policy" poluuid="00000000-0000-51e0-0000-%012d" policyname="staff to internet" service="HTTPS" trandisp="snat" transip=198.51.100.1 transport=%d duration=%d sentbyte=%d rcvdbyte=%d sentpkt=%d rcvdpkt=%d appcat="unscanned"`,
		i/3600%24, i/60%60, i%60, 1795305600000000000+int64(i)*1_000_003, h>>8%4, h>>16&255, h>>24, 1024+h%60000, h>>3&255, []int{443, 80, 8443, 53}[h>>5%4], 1_000_000+i,
		[]string{"close", "accept", "deny", "timeout"}[h>>7%4], h>>9%40, h>>4%4, 1024+h>>1%60000, h>>2%600, h%100000, h>>1%1000000, h%100, h>>1%1000)
}

// BenchmarkFileToPrefecture reads 200,000 lines into the spool and ships them
// over a socket to a stream on disk. It reports the CPU time of all of it.
func BenchmarkFileToPrefecture(b *testing.B) {
	const n = 200_000
	dir := b.TempDir()
	path := filepath.Join(dir, "in.log")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w, raw := bufio.NewWriter(f), 0
	for i := range n {
		k, _ := fmt.Fprintln(w, trafficLine(i))
		raw += k
	}
	if err := cmpErr(w.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		benchRun(b, filepath.Join(dir, fmt.Sprint(i)), path, n, raw)
	}
}

func benchRun(b *testing.B, dir, path string, n, raw int) {
	key, err := bus.NewKey()
	if err != nil {
		b.Fatal(err)
	}
	server, err := bus.StartServer(bus.ServerConfig{Dir: dir + "-p", Listen: "127.0.0.1:0", Users: []bus.User{{Public: key.Public(), Publish: bus.CollectorSubjects("312011", "test")}}})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	conn, err := server.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	frames, err := conn.Stream(b.Context(), bus.StreamConfig{Name: bus.Frames, Subjects: []string{bus.FramesSubjects}})
	if err != nil {
		b.Fatal(err)
	}
	c, err := New(Config{
		Collector: "test", Municipality: "312011", Zone: "internet", Data: dir, Prefecture: Prefecture{URLs: []string{"nats://" + server.Addr()}},
		Inputs: []Input{{Source: "fw", Type: "file", Paths: []string{path}}},
	}, Options{Key: key})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, cpu := time.Now(), cpuTime(b)
	wg.Go(func() {
		if err := c.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s := c.Stats(); s.Sources[0].Lines < uint64(n) || s.Queue > 0; s = c.Stats() {
		<-tick.C
	}
	spent := cpuTime(b) - cpu
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(spent.Microseconds())/float64(n), "cpu-µs/line")
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "lines/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(n), "allocs/line")
	if state, err := frames.State(b.Context()); err == nil {
		b.ReportMetric(float64(raw)/float64(state.Bytes), "raw/wire")
	}
	cancel()
	wg.Wait()
}
