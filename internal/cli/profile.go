package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/spf13/cobra"
)

// profiling adds the flags that write profiles of a command for go tool pprof.
func (p *program) profiling(root *cobra.Command) {
	var cpu, heap string
	root.PersistentFlags().StringVar(&cpu, "cpuprofile", "", "write a CPU profile to this file")
	root.PersistentFlags().StringVar(&heap, "memprofile", "", "write a heap profile to this file when the heap was largest")
	var stop []func() error
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if cpu != "" {
			f, err := os.Create(cpu)
			if err != nil {
				return fmt.Errorf("--cpuprofile: %w", err)
			}
			if err := pprof.StartCPUProfile(f); err != nil {
				return fmt.Errorf("--cpuprofile: %w", err)
			}
			stop = append(stop, func() error { pprof.StopCPUProfile(); return f.Close() })
		}
		if heap != "" {
			stop = append(stop, watchHeap(heap))
		}
		return nil
	}
	root.PersistentPostRunE = func(*cobra.Command, []string) error {
		var errs []error
		for _, f := range stop {
			errs = append(errs, f())
		}
		return errors.Join(errs...)
	}
}

// watchHeap keeps the profile of the largest heap seen.
func watchHeap(path string) func() error {
	quit, done := make(chan struct{}), make(chan error)
	go func() {
		var largest uint64
		var err error
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				done <- err
				return
			case <-tick.C:
			}
			var m runtime.MemStats
			if runtime.ReadMemStats(&m); m.HeapAlloc > largest+largest/10 {
				largest, err = m.HeapAlloc, writeHeap(path)
			}
		}
	}()
	return func() error { close(quit); return <-done }
}

func writeHeap(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("--memprofile: %w", err)
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}
