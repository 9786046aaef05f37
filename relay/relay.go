package relay

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"sync"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtsp"
	"github.com/sluice-media/sluice/web"
)

// Config configures a [Relay]. The zero value works.
type Config struct {
	// RTSP, RTMP and HTTP are for the clients. What a request says goes before it; Dial is the relay's, which heeds Allow.
	RTSP rtsp.ClientConfig
	RTMP rtmp.ClientConfig
	HTTP web.ClientConfig
	// FFmpeg is for RunFFmpeg.
	FFmpeg FFmpegConfig
	// SnapshotRuns is how many ffmpegs take snapshots at once. 0 means 2.
	SnapshotRuns int
	// Max is how many pulls there may be, and how many pushes and ffmpegs. 0 means 10,000 of each.
	Max int
	// Allow says whether an address may be dialed: the one that a name stands for at that moment. Nil means [AllowAddr]. It is asked about
	// addresses of IPv4 as such, in whatever form they come, and never about those that are not one host's, such as 0.0.0.0. A host whose
	// HTTP trusts requests from this machine forbids its own ports here: what is pulled may name them.
	Allow func(addr netip.AddrPort) error
}

const defaultMax = 10_000

// Relay pulls and pushes streams, and runs ffmpeg for other sources. Its methods may be called from any goroutine. It ends with its media.Server.
type Relay struct {
	media *media.Server
	cfg   Config
	log   *slog.Logger

	templates        map[string]template
	snapshotTemplate template
	resolver         net.Resolver

	life    context.Context // ends with the relay
	end     context.CancelCauseFunc
	running sync.WaitGroup // jobs; added to under mu, not when closed

	mu       sync.Mutex
	pulls    map[string]*job
	pushes   map[string]*job
	ffmpegs  map[string]*job
	programs map[*job]*program // of ffmpegs
	proxy    *proxy            // for ffmpegs; nil before the first
	closed   bool

	snapshots snapshots // guarded by mu
}

var _ media.Service = (*Relay)(nil)

// New returns a relay of m's streams. It fails on an invalid Config, and after m was closed.
func New(m *media.Server, cfg Config) (*Relay, error) {
	if cfg.Max < 0 {
		return nil, errors.New("relay: Config.Max is negative")
	}
	cfg.Max = cmp.Or(cfg.Max, defaultMax)
	if cfg.Allow == nil {
		cfg.Allow = AllowAddr
	}
	cfg.FFmpeg.Path = cmp.Or(cfg.FFmpeg.Path, "ffmpeg")
	if path, err := exec.LookPath(cfg.FFmpeg.Path); err == nil { // else it is said when it is run
		cfg.FFmpeg.Path = path
	}
	templates, err := cfg.FFmpeg.templates()
	if err != nil {
		return nil, err
	}
	picture, err := cfg.FFmpeg.snapshotTemplate()
	if err != nil {
		return nil, err
	}
	if cfg.SnapshotRuns < 0 {
		return nil, errors.New("relay: Config.SnapshotRuns is negative")
	}
	cfg.SnapshotRuns = cmp.Or(cfg.SnapshotRuns, defaultSnapshotRuns)
	r := &Relay{
		media: m, cfg: cfg, log: m.Logger(), templates: templates, snapshotTemplate: picture,
		pulls: map[string]*job{}, pushes: map[string]*job{}, ffmpegs: map[string]*job{}, programs: map[*job]*program{},
		snapshots: snapshots{
			kept: map[snapshotKey]*Snapshot{}, taken: map[snapshotKey]*taking{}, runs: make(chan struct{}, cfg.SnapshotRuns),
		},
	}
	r.life, r.end = context.WithCancelCause(context.Background())
	if err := m.Register(r); err != nil {
		r.end(err)
		return nil, err
	}
	return r, nil
}

// Shutdown ends all pulls and pushes, and waits for them or for ctx.
func (r *Relay) Shutdown(ctx context.Context) error {
	r.stop()
	ended := make(chan struct{})
	go func() {
		r.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		r.media.Unregister(r)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends all pulls and pushes, and waits for them.
func (r *Relay) Close() error {
	r.stop()
	r.running.Wait()
	r.media.Unregister(r)
	return nil
}

func (r *Relay) stop() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.end(ErrClosed)
}

// begin runs a job, unless there is one of its key.
func (r *Relay) begin(jobs map[string]*job, j *job) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return ErrClosed
	case jobs[j.key] != nil:
		return ErrExists
	case len(jobs) >= r.cfg.Max:
		return ErrTooMany
	}
	jobs[j.key] = j
	r.running.Go(func() {
		defer close(j.done) // when its key is free
		j.run()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(jobs, j.key)
		delete(r.programs, j)
	})
	return nil
}

// cancel ends a job, and reports whether there was one. It waits until the job has let go of its stream.
func (r *Relay) cancel(jobs map[string]*job, key string) bool {
	r.mu.Lock()
	j := jobs[key]
	r.mu.Unlock()
	if j == nil {
		return false
	}
	j.cancel(ErrRemoved)
	<-j.done
	return true
}

// list returns what all jobs are at, in the order of their keys.
func (r *Relay) list(jobs map[string]*job) []Status {
	r.mu.Lock()
	all := slices.SortedFunc(maps.Values(jobs), func(a, b *job) int { return cmp.Compare(a.key, b.key) })
	r.mu.Unlock()
	list := make([]Status, len(all))
	for i, j := range all {
		list[i] = j.status()
	}
	return list
}
