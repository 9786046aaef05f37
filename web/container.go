package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/internal/fmp4"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/media"
)

// container is a form in which live streams are served, by an HTTP reply and over WebSocket.
type container struct {
	suffix string // what the path of a stream ends with, in any case
	schema string // the kind of source, which the query may name instead
	kind   string // the Content-Type
	cache  string // the Cache-Control; empty for none
	reply  *media.Format
	frames *media.Format // as WebSocket messages
}

// containers are those that a handler serves.
func containers(cfg *Config) []*container {
	return []*container{
		newFLV(flv.Encoder{Legacy: cfg.LegacyCodecs}),
		newChunked("ts", ".live.ts", "video/mp2t", mpegts.Carries, func() media.Chunker { return mpegts.NewMuxer() }),
		newFMP4(),
	}
}

func newFLV(encoder flv.Encoder) *container {
	mux := func() *flv.Muxer { return flv.NewMuxer(encoder) }
	return &container{
		suffix: ".live.flv", schema: "rtmp", kind: "video/x-flv; charset=utf-8", cache: "no-store",
		reply: &media.Format{Name: "flv", Schema: "rtmp", Carries: encoder.Carries, OnePerKind: true, New: func() media.Muxer { return mux() }},
		frames: &media.Format{Name: "ws-flv", Schema: "rtmp", Carries: encoder.Carries, OnePerKind: true, New: func() media.Muxer {
			return &frameMuxer{inner: mux()}
		}},
	}
}

// newFMP4 is MP4, of which a reply is a file that goes on as long as it can. Who gets messages, as for a browser's SourceBuffer, takes any
// further initialization segments.
func newFMP4() *container {
	mux := func() media.Chunker { return fmp4.NewMuxer() }
	c := newChunked("fmp4", ".live.mp4", "video/mp4", fmp4.Carries, mux)
	c.reply.NewChunker = func() media.Chunker { return &fileChunker{Chunker: mux()} }
	return c
}

// newChunked is a container whose muxer makes chunks itself. Its schema has its name.
func newChunked(name, suffix, kind string, carries func(*media.Track) bool, mux func() media.Chunker) *container {
	return &container{
		suffix: suffix, schema: name, kind: kind + "; charset=utf-8",
		reply: &media.Format{Name: name, Schema: name, Carries: carries, NewChunker: mux},
		frames: &media.Format{Name: "ws-" + name, Schema: name, Carries: carries, NewChunker: func() media.Chunker {
			return &frameChunker{inner: mux()}
		}},
	}
}

// setHeaders says what a reply holds.
func (c *container) setHeaders(head http.Header) {
	head.Set("Content-Type", c.kind)
	if c.cache != "" {
		head.Set("Cache-Control", c.cache)
	}
}

// formats are those of the containers.
func formats(all []*container) []*media.Format {
	var list []*media.Format
	for _, c := range all {
		list = append(list, c.reply, c.frames)
	}
	return list
}

// containerOf returns what a URL asks for, and its path without the suffix that says so.
func containerOf(all []*container, path string, query url.Values) (*container, string) {
	for _, c := range all {
		cut := len(path) - len(c.suffix)
		switch {
		case query.Has("schema"):
			if query.Get("schema") == c.schema {
				return c, path
			}
		case cut >= 0 && strings.EqualFold(path[cut:], c.suffix):
			return c, path[:cut]
		}
	}
	return nil, path
}
