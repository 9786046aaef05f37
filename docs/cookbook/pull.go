package cookbook

import (
	"context"
	"sync"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// onDemand pulls streams while somebody watches them: m.Open(d). To end, cancel life and wait for pulls.
type onDemand struct {
	media *media.Server
	life  context.Context
	// source is where a stream comes from; false for one that it does not know.
	source func(media.StreamKey) (url string, ok bool)

	mu      sync.Mutex
	running map[media.StreamKey]bool
	pulls   sync.WaitGroup
}

var _ media.Opener = (*onDemand)(nil)

// Open begins a pull, unless it is under way. The player waits for the stream.
func (d *onDemand) Open(_ context.Context, r *media.OpenRequest) (media.Source, error) {
	url, ok := d.source(r.Stream)
	if !ok {
		return nil, hook.ErrNotHandled // perhaps another opener knows it
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.running[r.Stream] {
		d.running[r.Stream] = true
		d.pulls.Go(func() { d.pull(url, r.Stream) })
	}
	return nil, nil //nolint:nilnil // a stream for all, no source for this player alone
}

// pull ends when nobody has watched for Config.NoneReaderDelay.
func (d *onDemand) pull(url string, key media.StreamKey) {
	err := rtsp.Pull(d.life, d.media, url, key, rtsp.ClientConfig{Options: hook.StreamOptions{AutoClose: new(true)}})
	d.media.Logger().Info("pull ended", "stream", key.String(), "err", err)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.running, key)
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
