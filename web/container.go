package web

import (
	"net/url"
	"strings"

	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
)

// container is a form in which live streams are served, by an HTTP reply and over WebSocket.
type container struct {
	suffix string // what the path of a stream ends with, in any case
	schema string // the kind of source, which the query may name instead
	kind   string // the Content-Type
	reply  *media.Format
	frames *media.Format // as WebSocket messages
}

// containers are those that a handler serves.
func containers(cfg *Config) []*container {
	encoder := flv.Encoder{Legacy: cfg.LegacyCodecs}
	return []*container{
		newContainer(".live.flv", "rtmp", "video/x-flv; charset=utf-8", "flv", encoder.Carries, func() sizedMuxer { return flv.NewMuxer(encoder) }),
	}
}

func newContainer(suffix, schema, kind, name string, carries func(*media.Track) bool, mux func() sizedMuxer) *container {
	return &container{
		suffix: suffix, schema: schema, kind: kind,
		reply:  &media.Format{Name: name, Schema: schema, Carries: carries, New: func() media.Muxer { return mux() }},
		frames: &media.Format{Name: "ws-" + name, Schema: schema, Carries: carries, New: func() media.Muxer { return &frameMuxer{inner: mux()} }},
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
