package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/sluice-media/sluice/internal/still"
	"github.com/sluice-media/sluice/media"
)

// local returns the stream of this server that a URL names.
func (r *Relay) local(rawURL string) (media.StreamKey, bool) {
	u, err := url.Parse(rawURL)
	if err != nil || r.cfg.FFmpeg.Local == nil {
		return media.StreamKey{}, false
	}
	return r.cfg.FFmpeg.Local(u)
}

// picture takes a picture.
func (r *Relay) picture(ctx context.Context, q *SnapshotRequest) (*Snapshot, error) {
	key, here := r.local(q.URL)
	if !here {
		source, err := r.allowSource(ctx, q.URL)
		if err != nil {
			return nil, err
		}
		return r.encode(ctx, q, r.snapshotTemplate.picture(r.cfg.FFmpeg.Path, source, q), nil)
	}
	st, ok := r.media.Stream(key)
	if !ok {
		return nil, fmt.Errorf("%w: %v", media.ErrStreamNotFound, key)
	}
	p, err := still.Take(ctx, st)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	if p.Track.Codec == media.JPEG && q.Format == "jpeg" && q.Width == 0 && q.Height == 0 {
		return &Snapshot{ContentType: contentTypes()[q.Format], Data: p.Data, Taken: time.Now()}, nil
	}
	form := "mp4"
	if p.Track.Codec == media.JPEG {
		form = "mjpeg"
	}
	args := []string{
		r.cfg.FFmpeg.Path, "-v", "error", "-protocol_whitelist", "pipe", "-threads", "1", "-f", form, "-i", "pipe:0", "-frames:v", "1", "-an",
	}
	args = append(args, q.options()...)
	if q.Format == "jpeg" {
		args = append(args, "-f", "mjpeg")
	}
	return r.encode(ctx, q, append(args, "pipe:1"), func() ([]byte, error) {
		if form == "mjpeg" {
			return p.Data, nil
		}
		return still.MP4(p)
	})
}

// encode runs an ffmpeg that writes a picture, when it is its turn: only then its input is made, since many may wait for theirs. A nil input
// is none.
func (r *Relay) encode(ctx context.Context, q *SnapshotRequest, args []string, input func() ([]byte, error)) (*Snapshot, error) {
	select {
	case r.snapshots.runs <- struct{}{}:
		defer func() { <-r.snapshots.runs }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	env, err := r.environment(os.Environ())
	if err != nil {
		return nil, err
	}
	var in []byte
	if input != nil {
		if in, err = input(); err != nil {
			return nil, fmt.Errorf("relay: %w", err)
		}
	}
	data, err := filter(ctx, args, env, in)
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0:
		return nil, errors.New("relay: ffmpeg has made no picture")
	}
	return &Snapshot{ContentType: contentTypes()[q.Format], Data: data, Taken: time.Now()}, nil
}

// filter runs an ffmpeg for a picture. What is in memory has time: for the first third of it the ffmpeg gets the processor when nobody else
// wants that, so that many of them do not delay what is watched. Where somebody always wants it, another one is run as any program.
func filter(ctx context.Context, args, env []string, input []byte) ([]byte, error) {
	if deadline, ok := ctx.Deadline(); ok && input != nil {
		first, cancel := context.WithTimeout(ctx, time.Until(deadline)/3)
		defer cancel()
		data, err := runFilter(first, args, env, input, lower)
		if err == nil || first.Err() == nil || ctx.Err() != nil {
			return data, err
		}
	}
	return runFilter(ctx, args, env, input, nil)
}

// options are those of ffmpeg for a picture.
func (q *SnapshotRequest) options() (args []string) {
	if q.Width > 0 || q.Height > 0 {
		args = append(args, "-vf", q.scale())
	}
	switch q.Format {
	case "png":
		return append(args, "-c:v", "png", "-f", "image2pipe")
	case "webp":
		args = append(args, "-c:v", "libwebp", "-f", "image2pipe")
		if q.Quality > 0 {
			args = append(args, "-quality", strconv.Itoa(min(q.Quality, 100)))
		}
		return args
	}
	if q.Quality > 0 {
		args = append(args, "-q:v", strconv.Itoa(jpegScale(q.Quality)))
	}
	return args
}

// scale is the filter for a size. Of a picture of which one side is asked for the other is as its shape wants, but no longer than the
// longest: then the first is shorter.
func (q *SnapshotRequest) scale() string {
	if q.Width > 0 && q.Height > 0 {
		return fmt.Sprintf("scale=%d:%d", q.Width, q.Height)
	}
	box := func(n int) int { return cmp.Or(n, maxSnapshotSide) }
	return fmt.Sprintf("scale=%d:%d:force_original_aspect_ratio=decrease", box(q.Width), box(q.Height))
}

// jpegScale is the quantizer scale for a quality of 1 to 100: 31 is the worst, 2 the best.
func jpegScale(quality int) int { return 31 - (min(quality, 100)-1)*29/99 }

// picture returns the arguments with which a picture of a URL is written.
func (t template) picture(path string, source input, q *SnapshotRequest) []string {
	args := t.command(path, source, "pipe:1")
	last := len(args) - 1
	return append(append(append([]string{}, args[:last]...), q.options()...), args[last])
}
