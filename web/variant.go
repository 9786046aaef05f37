package web

import (
	"strings"

	"github.com/sluice-media/sluice/internal/fmp4"
	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

// variant is a form of HLS.
type variant struct {
	schema   string
	playlist string // the last element of the path of its playlists
	kind     string // the Content-Type of its segments
	format   *media.Format
	init     bool // it has initialization segments
}

// variants are those of a handler that serves forms. Segments of MPEG-TS share the muxing with replies in it. A reply in MP4
// ends with its tracks, a playlist does not.
func variants(forms []*container) []*variant {
	ts := &variant{schema: "hls", playlist: "hls.m3u8", kind: "video/mp2t"}
	for _, f := range forms {
		if f.schema == "ts" {
			ts.format = f.reply
		}
	}
	return []*variant{ts, {
		schema: "hls.fmp4", playlist: "hls.fmp4.m3u8", kind: "video/mp4", init: true,
		format: &media.Format{
			Name: "hls.fmp4", Schema: "hls.fmp4", Carries: fmp4.Carries,
			NewChunker: func() media.Chunker { return fmp4.NewMuxer() },
		},
	}}
}

// config is how a stream is cut.
func (v *variant) config(c HLSConfig) hls.Config {
	cfg := hls.Config{Target: c.SegmentDuration, Count: c.Segments, Retain: c.Retain, Suffix: tsSuffix}
	if v.init {
		cfg.Part, cfg.Suffix, cfg.Init = c.PartDuration, c.FMP4Suffix, true
	}
	return cfg
}

// tsSuffix is what the names of segments of MPEG-TS end with.
const tsSuffix = ".ts"

// holds reports whether a segment is one of the variant, by its name.
func (v *variant) holds(piece string) bool { return v.init != strings.HasSuffix(piece, tsSuffix) }
