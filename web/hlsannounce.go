package web

import (
	"context"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

// serveHLS tells when a stream can be watched by HLS. It also keeps its segments while nobody watches, if the options of the
// stream ask for that: then a viewer finds as many as the playlist has. Otherwise the first finds those that the log has.
func (h *Handler) serveHLS(ctx context.Context, st *media.Stream) error {
	cfg := h.config().HLS.withDefaults()
	list := slices.DeleteFunc(slices.Clone(h.variants), func(v *variant) bool { return !v.serves(st) })
	demand := st.Options().HLSDemand
	kept := demand != nil && !*demand && len(list) > 0
	for _, v := range list {
		if !kept {
			break
		}
		_, release, err := v.share(ctx, st, cfg)
		if err != nil {
			return err
		}
		defer release()
	}
	if err := awaitSegment(ctx, st, cfg); err != nil {
		return err
	}
	for _, v := range list {
		st.Announce(v.schema)
	}
	if kept {
		<-ctx.Done()
	}
	return nil
}

// lookAfter is how long is waited between two looks at whether a stream has a segment.
const lookAfter = 100 * time.Millisecond

// awaitSegment waits until a stream has had enough for a segment. The error is that of ctx.
func awaitSegment(ctx context.Context, st *media.Stream, cfg HLSConfig) error {
	look := time.NewTicker(lookAfter)
	defer look.Stop()
	for !hasSegment(st.Stats().Tracks, cfg) {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// hasSegment reports whether what there was of a stream is enough for a segment: up to a key frame, if there are pictures.
func hasSegment(tracks []media.TrackStats, cfg HLSConfig) bool {
	pictures := slices.ContainsFunc(tracks, func(t media.TrackStats) bool { return t.Track.Codec.Video() })
	for _, t := range tracks {
		if t.Track.Codec.Video() != pictures {
			continue
		}
		long := t.Duration >= cfg.SegmentDuration || cfg.FastRegister && pictures
		if long && (!pictures || t.KeyFrames > 1) || t.Duration >= hls.LongestTarget {
			return true
		}
	}
	return false
}
