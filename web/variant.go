package web

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/fmp4"
	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

// variant is a form of HLS.
type variant struct {
	schema   string
	playlist string // the last element of the path of its playlist
	delayed  string // that of the delayed one
	kind     string // the Content-Type of its segments
	format   *media.Format
	init     bool // it has initialization segments
	option   func(hook.StreamOptions) *bool
}

// variants are those of a handler that serves forms. Segments of MPEG-TS share the muxing with replies in it. A reply in MP4
// ends with its tracks, a playlist does not.
func variants(forms []*container) []*variant {
	ts := &variant{schema: "hls", playlist: "hls.m3u8", delayed: "hls_delay.m3u8", kind: "video/mp2t"}
	ts.option = func(o hook.StreamOptions) *bool { return o.EnableHLS }
	for _, f := range forms {
		if f.schema == "ts" {
			ts.format = f.reply
		}
	}
	return []*variant{ts, {
		schema: "hls.fmp4", playlist: "hls.fmp4.m3u8", delayed: "hls_delay.fmp4.m3u8", kind: "video/mp4", init: true,
		option: func(o hook.StreamOptions) *bool { return o.EnableHLSFMP4 },
		format: &media.Format{
			Name: "hls.fmp4", Schema: "hls.fmp4", Carries: fmp4.Carries,
			NewChunker: func() media.Chunker { return fmp4.NewMuxer() },
		},
	}}
}

// serves reports whether a stream can be watched in the variant.
func (v *variant) serves(st *media.Stream) bool {
	on := v.option(st.Options())
	return (on == nil || *on) && slices.ContainsFunc(st.Description().Tracks, v.format.Carries)
}

// hlsKey is what the viewers of a stream share its segments by.
type hlsKey struct {
	variant *variant
	cfg     hls.Config
}

// share returns the segments of a stream, which whoever uses them shares until they call release.
func (v *variant) share(ctx context.Context, st *media.Stream, c HLSConfig) (live *hls.Live, release func(), err error) {
	cfg := v.config(c)
	return media.Share(ctx, st, hlsKey{v, cfg}, lingerTime, func(ctx context.Context) (*hls.Live, error) {
		return hls.Open(ctx, st, v.format, cfg)
	})
}

// config is how a stream is cut.
func (v *variant) config(c HLSConfig) hls.Config {
	cfg := hls.Config{Target: c.SegmentDuration, Count: c.Segments, Retain: c.Retain, Delay: c.Delay, Suffix: tsSuffix}
	if v.init {
		cfg.Part, cfg.Suffix, cfg.Init = c.PartDuration, c.FMP4Suffix, true
	}
	return cfg
}

// tsSuffix is what the names of segments of MPEG-TS end with.
const tsSuffix = ".ts"

// holds reports whether a segment is one of the variant, by its name.
func (v *variant) holds(piece string) bool { return v.init != strings.HasSuffix(piece, tsSuffix) }
