package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
)

// program is an ffmpeg that is supervised.
type program struct {
	*job
	request FFmpegRequest
	command template
	told    string
	local   bool
}

const (
	// lookEvery is how often it is looked whether the stream of an ffmpeg is there, and goneFor how long it may be gone.
	lookEvery = 100 * time.Millisecond
	goneFor   = 20 * time.Second
)

// RunFFmpeg starts an ffmpeg that reads a source and publishes it, and returns once it delivers, or has ended. Then it is started again when
// it ends. It returns [ErrExists] if there is one of that key, [ErrScheme] for a URL of a protocol that is not for this, and [ErrAddress]. The
// child is in a process group of its own, which is killed with it; on Linux it also ends with this process, however that does. What it
// publishes here is told to come from the source by [hook.OriginFFmpegPull], except to OnPublish, which is asked about a push. When that
// stream is closed here, by a call or because nobody watches, it is not started again.
func (r *Relay) RunFFmpeg(ctx context.Context, q FFmpegRequest) error {
	q.Key = cmp.Or(q.Key, q.Destination)
	if _, err := r.allowSource(ctx, q.Source); err != nil {
		return err
	}
	u, err := url.Parse(q.Destination)
	if err != nil || u.Host == "" || !slices.Contains([]string{"rtmp", "rtmps", "rtsp", "rtsps", "srt"}, u.Scheme) {
		return fmt.Errorf("%w: ffmpeg publishes by RTMP, RTSP or SRT", ErrScheme)
	}
	t := r.templates[q.Template]
	if t == nil {
		t = r.templates[""]
	}
	p := &program{request: q, command: t, told: t.told(r.cfg.FFmpeg.Path, q.Source, q.Destination)}
	var key media.StreamKey
	if local := r.cfg.FFmpeg.Local; local != nil {
		key, p.local = local(u)
	}
	if err := r.allowDestination(ctx, q.Destination, u, p.local); err != nil {
		return err
	}
	p.job = r.newJob("ffmpeg", q.Key, key, q.Source, Retry{Timeout: q.Timeout}, p.run(r))
	if err := r.begin(r.ffmpegs, p.job); err != nil { //nolint:contextcheck // it outlives the call
		p.cancel(err)
		return err
	}
	r.keep(p)
	return p.await(ctx)
}

// keep notes what a program is, as long as its job is there.
func (r *Relay) keep(p *program) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ffmpegs[p.key] == p.job {
		r.programs[p.job] = p
	}
}

// StopFFmpeg ends one, and reports whether there was one.
func (r *Relay) StopFFmpeg(key string) bool { return r.cancel(r.ffmpegs, key) }

// FFmpegs lists them, in the order of their keys.
func (r *Relay) FFmpegs() []FFmpegStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []FFmpegStatus
	for _, p := range r.programs {
		q := p.request
		list = append(list, FFmpegStatus{Key: q.Key, Source: q.Source, Destination: q.Destination, Template: q.Template, Command: p.told})
	}
	slices.SortFunc(list, func(a, b FFmpegStatus) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

// arguments are those of the program as it is started now: the name of the source may stand for another address than the last time.
func (p *program) arguments(ctx context.Context, r *Relay) ([]string, error) {
	source, err := r.allowSource(ctx, p.request.Source)
	if err != nil {
		return nil, err
	}
	return p.command.command(r.cfg.FFmpeg.Path, source, p.request.Destination), nil
}

// run returns what runs the program once.
func (p *program) run(r *Relay) attempt {
	return func(ctx context.Context, playing func(*media.Session)) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		ended := make(chan error, 1)
		args, err := p.arguments(ctx, r)
		if err != nil {
			return err
		}
		env, err := r.environment(os.Environ())
		if err != nil {
			return err
		}
		if p.local {
			defer r.media.Attribute(p.stream, hook.OriginFFmpegPull, p.origin())()
		}
		go func() { ended <- runProcess(ctx, args, env, p.said) }()
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		begun, seen, told := time.Now(), time.Now(), false
		var last *media.Stream // that was there
		for {
			select {
			case err := <-ended:
				return cmp.Or(context.Cause(ctx), closed(last), err)
			case <-look.C:
			}
			if err := closed(last); err != nil {
				cancel(err)
			}
			if st, there := p.there(r.media, begun); there {
				last, seen = st, time.Now()
				if !told {
					told = true
					playing(nil)
					p.record(r)
				}
			}
			if p.local && told && time.Since(seen) > goneFor {
				cancel(errGone)
			}
		}
	}
}

// closed returns why somebody here has closed a stream; nil if nobody has, or there is none.
func closed(st *media.Stream) error {
	if st == nil || !forGood(st.Err()) {
		return nil
	}
	return st.Err()
}

// origin is the URL of the source without the user and the password in it.
func (p *program) origin() string {
	u, err := url.Parse(p.request.Source)
	if err != nil {
		return "" // it cannot be: it was looked at
	}
	u.User = nil
	return u.String()
}

var errGone = errors.New("relay: the stream of ffmpeg is gone")

// there reports whether the program delivers: its stream is there, or it has run for most of the time.
func (p *program) there(m *media.Server, begun time.Time) (*media.Stream, bool) {
	if p.local {
		return m.Stream(p.stream)
	}
	return nil, time.Since(begun) > max(p.retry.Timeout/2, p.retry.Timeout-5*lookEvery)
}

// record records the stream, if the request wants it.
func (p *program) record(r *Relay) {
	q := &p.request
	if r.cfg.FFmpeg.Record == nil || !p.local || !q.RecordHLS && !q.RecordMP4 {
		return
	}
	if err := r.cfg.FFmpeg.Record(p.stream, q.RecordHLS, q.RecordMP4); err != nil {
		p.log.Warn("what ffmpeg publishes is not recorded", "err", err)
	}
}

// said is what the program has said last.
func (p *program) said(text string) {
	p.log.Warn("ffmpeg ended", "said", redact.Text(text))
}
