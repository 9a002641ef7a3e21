package main

import (
	"os"
	"path/filepath"
	"time"
)

// diskSyncs is how long it takes to bring an appended 4 KiB to the disk that temporary directories are
// on: the median, and what one in ten exceeds. It is what every durable write waits for.
func diskSyncs() (middle, slow time.Duration, err error) {
	dir, err := os.MkdirTemp("", "writ-bench-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	f, err := os.Create(filepath.Join(dir, "appended"))
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	var took []time.Duration
	for range 100 {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, 0, err
		}
		began := time.Now()
		if err := f.Sync(); err != nil {
			return 0, 0, err
		}
		took = append(took, time.Since(began))
	}
	return median(took), quantile(took, 9, 10), nil
}
