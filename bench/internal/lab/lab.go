package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/paced"
)

const module = "github.com/sluice-media/sluice"

// Lab is a folder with the programs of a benchmark and the clip.
type Lab struct {
	Dir    string
	Clip   string
	Rate   float64  // the clip's media bytes per second
	Server []string // the server's command line
}

// New builds the programs into dir. An empty server command means that the complete example server is built as well.
func New(ctx context.Context, dir, clip string, server []string) (*Lab, error) {
	l, err := (&Lab{Dir: dir, Server: server}).WithClip(clip)
	if err != nil {
		return nil, err
	}
	packages := []string{module + "/bench/cmd/loadgen", module + "/bench/cmd/floor", module + "/bench/cmd/publishers"}
	if len(server) == 0 {
		packages = append(packages, module+"/examples/mediaserver")
		l.Server = []string{l.program("mediaserver")}
	}
	_, err = output(ctx, append([]string{"go", "build", "-o", dir + string(filepath.Separator)}, packages...)...)
	return l, err
}

// WithClip returns the same lab with another clip.
func (l *Lab) WithClip(path string) (*Lab, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	parsed, err := paced.Parse(data, 0)
	if err != nil {
		return nil, err
	}
	other := *l
	other.Clip, other.Rate = path, parsed.Rate()
	return &other, nil
}

func (l *Lab) program(name string) string { return filepath.Join(l.Dir, name) }

// Start runs the server.
func (l *Lab) Start(ctx context.Context, merge time.Duration) (*Server, error) {
	return StartServer(ctx, l.Dir, l.Server, Settings{Merge: merge})
}

// StartRecording runs a server that records all streams to a folder.
func (l *Lab) StartRecording(ctx context.Context, dir string) (*Server, error) {
	return StartServer(ctx, l.Dir, l.Server, Settings{Record: dir})
}

// StartEdge runs a server that pulls from an origin what it is asked for.
func (l *Lab) StartEdge(ctx context.Context, origin string) (*Server, error) {
	return StartServer(ctx, l.Dir, l.Server, Settings{Origin: origin})
}

// Publisher sends the clip to a server.
type Publisher struct{ proc *process }

// Publish sends the clip to url in an endless loop and in real time.
func (l *Lab) Publish(ctx context.Context, url string) (*Publisher, error) {
	p, err := start(ctx, l.Dir, "ffmpeg", "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", l.Clip,
		"-c", "copy", "-f", "flv", url)
	return &Publisher{p}, err
}

// PublishMany sends the clip to n streams at url and returns once all are set up. What it takes to play them is Streams
// in a Load.
func (l *Lab) PublishMany(ctx context.Context, proto, url string, n int) (*Publisher, error) {
	return l.publishers(ctx, "-proto", proto, "-url", url, "-n", strconv.Itoa(n))
}

// Alive returns an error when the publisher has ended.
func (p *Publisher) Alive() error { return p.proc.alive() }

// Stop ends the publisher and waits for it.
func (p *Publisher) Stop() { p.proc.stop() }

// Load says how to play a stream.
type Load struct {
	Proto, URL string
	N, Samples int
	Streams    int // when not 0, the players take turns at so many streams
	PID        int
	Window     time.Duration
	Probes     int
	Frozen     int
	FreezeFor  time.Duration
	Lax        bool
}

// Play runs the load generator in a process of its own. A bad result is no error.
func (l *Lab) Play(ctx context.Context, load Load) (*crowd.Result, error) {
	out, failure := output(ctx, l.program("loadgen"),
		"-proto", load.Proto, "-url", load.URL,
		"-n", strconv.Itoa(load.N), "-samples", strconv.Itoa(load.Samples),
		"-streams", strconv.Itoa(load.Streams), "-pid", strconv.Itoa(load.PID), "-t", load.Window.String(),
		"-probes", strconv.Itoa(load.Probes), "-rate", strconv.FormatFloat(l.Rate, 'f', 0, 64),
		"-freeze", strconv.Itoa(load.Frozen), "-freeze-for", load.FreezeFor.String(),
		"-lax="+strconv.FormatBool(load.Lax))
	if len(out) == 0 {
		return nil, failure
	}
	res := &crowd.Result{}
	if err := json.Unmarshal(out, res); err != nil {
		return nil, fmt.Errorf("lab: the load generator's report: %w", err)
	}
	return res, nil
}

// Floor runs the floor program and plays it with n players.
func (l *Lab) Floor(ctx context.Context, n int, merge, window time.Duration) (*crowd.Result, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	addr := local(ports[0])
	p, err := start(ctx, l.Dir, l.program("floor"), "-listen", addr, "-clip", l.Clip, "-merge", merge.String())
	if err != nil {
		return nil, err
	}
	defer p.stop()
	if err := p.accepts(ctx, addr, time.Now().Add(startLimit)); err != nil {
		return nil, err
	}
	return l.Play(ctx, Load{Proto: "raw", URL: "tcp://" + addr, N: n, PID: p.pid(), Window: window})
}
