package cookbook

import (
	"context"
	"fmt"
	"sync"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// onDemand pulls streams while somebody watches them: m.Open(d), with the first three fields set. To end, see shutDown.
type onDemand struct {
	media *media.Server
	life  context.Context // ends the pulls
	// source is where a stream comes from; false for one that it does not know.
	source func(media.StreamKey) (url string, ok bool)

	mu      sync.Mutex
	opening map[media.StreamKey]*opening // pulls whose stream is not there yet
	pulls   sync.WaitGroup
}

// opening is a pull that viewers wait for.
type opening struct {
	done chan struct{} // closed when the stream can be watched, or err says why not
	err  error
}

var _ media.Opener = (*onDemand)(nil)

// Open begins a pull, unless one is under way, and waits until the stream is there or the pull has failed.
func (d *onDemand) Open(ctx context.Context, r *media.OpenRequest) (media.Source, error) {
	url, ok := d.source(r.Stream)
	if !ok {
		return nil, hook.ErrNotHandled // perhaps another opener knows it
	}
	o := d.begin(url, r.Stream)
	select {
	case <-o.done:
		return nil, o.err // no source for this player alone: all share the stream
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (d *onDemand) begin(url string, key media.StreamKey) *opening {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o, ok := d.opening[key]; ok {
		return o
	}
	o := &opening{done: make(chan struct{})}
	if _, ok := d.media.Stream(key); ok { // it has just come
		close(o.done)
		return o
	}
	if d.opening == nil {
		d.opening = map[media.StreamKey]*opening{}
	}
	d.opening[key] = o
	d.pulls.Go(func() { d.pull(url, key, o) })
	return o
}

// pull ends when nobody has watched for Config.NoneReaderDelay.
func (d *onDemand) pull(url string, key media.StreamKey, o *opening) {
	err := rtsp.Pull(d.life, d.media, url, key, rtsp.ClientConfig{
		Options:   hook.StreamOptions{AutoClose: new(true)},
		OnPlaying: func(*media.Session) { d.settle(key, o, nil) },
	})
	d.settle(key, o, fmt.Errorf("%w: %w", media.ErrStreamNotFound, err))
	d.media.Logger().Info("pull ended", "stream", key.String(), "err", err)
}

// settle lets the viewers go on. What a pull ends with after its stream was there is none of theirs.
func (d *onDemand) settle(key media.StreamKey, o *opening, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opening[key] == o {
		delete(d.opening, key)
		o.err = err
		close(o.done)
	}
}

// cameras are the URLs of streams cameras/NAME.
type cameras map[string]string

func (c cameras) source(key media.StreamKey) (url string, ok bool) {
	url, ok = c[key.Name]
	return url, ok && key.App == "cameras"
}

// origin is a server such as rtsp://edge:secret@10.0.0.1:8554, which has every stream that this one does not have.
type origin string

func (o origin) source(key media.StreamKey) (url string, ok bool) {
	return string(o) + "/" + key.App + "/" + key.Name, true
}
