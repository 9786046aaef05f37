package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

// Runs counts the runs of the ffmpeg of a server, by a file to which each writes when it begins and ends.
type Runs struct{ file string }

// Count is how many have begun so far, and how many there were at the same time at most.
type Count struct{ Begun, AtOnce int }

// Count reads what the runs have written.
func (r *Runs) Count() (Count, error) {
	text, err := os.ReadFile(r.file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Count{}, fmt.Errorf("lab: %w", err)
	}
	return countRuns(string(text)), nil
}

func countRuns(text string) (c Count) {
	running := 0
	for line := range strings.Lines(text) {
		if line == "+\n" {
			c.Begun++
			running++
			c.AtOnce = max(c.AtOnce, running)
		} else {
			running--
		}
	}
	return c
}

// StartCounting runs a server whose runs of ffmpeg are counted.
func (l *Lab) StartCounting(ctx context.Context) (*Server, *Runs, error) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, nil, fmt.Errorf("lab: %w", err)
	}
	r := &Runs{file: filepath.Join(l.Dir, "runs")}
	script := filepath.Join(l.Dir, "ffmpeg")
	text := "#!/bin/sh\necho + >>" + r.file + "\n" + ffmpeg + " \"$@\"\nstatus=$?\necho - >>" + r.file + "\nexit $status\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil { //nolint:gosec // it is run
		return nil, nil, fmt.Errorf("lab: %w", err)
	}
	s, err := StartServer(ctx, l.Dir, l.Server, Settings{FFmpeg: script})
	return s, r, err
}

// Snapper calls getSnap over connections that it keeps, as backends do.
type Snapper struct {
	server *Server
	client http.Client
}

// NewSnapper returns one that makes n calls at the same time.
func (s *Server) NewSnapper(n int) *Snapper {
	return &Snapper{server: s, client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n}}}
}

// Close lets go of the connections.
func (s *Snapper) Close() { s.client.CloseIdleConnections() }

// Snap makes n calls of getSnap at the same time, each for the next of some streams, and returns when all have a new picture.
func (s *Snapper) Snap(ctx context.Context, n, streams int) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = s.snapOne(ctx, i%streams) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *Snapper) snapOne(ctx context.Context, i int) error {
	stream := wire.Numbered(&url.URL{Scheme: "rtmp", Host: s.server.rtmp, Path: streamPath}, i)
	query := url.Values{"url": {stream.String()}, "timeout_sec": {"60"}, "expire_sec": {"0"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.server.http+"/index/api/getSnap?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	reply, err := s.client.Do(r)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer reply.Body.Close()
	data, err := io.ReadAll(reply.Body)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if kind := reply.Header.Get("Content-Type"); kind != "image/jpeg" {
		return fmt.Errorf("lab: a snapshot is %s: %.200s", kind, data)
	}
	return nil
}
