package api

import (
	"net/http"

	"github.com/sluice-media/sluice/api/internal/sources"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/zlmjson"
	"github.com/sluice-media/sluice/media"
)

// mediaSource is a source as the API shows it.
func mediaSource(s sources.Source, withLoss bool) zlmjson.Source {
	return zlmjson.NewSource(s.Key(), s.Schema, s.Source(s.Schema), withLoss)
}

// sources lists what matches the filters of a call.
func (h *Handler) sources(a *arguments) []sources.Source {
	return sources.Find(h.media, sources.Filter{
		Schema: a.get("schema"), VHost: a.get("vhost"), App: a.get("app"), Stream: a.get("stream"),
	})
}

// errNoStream says that there is no such stream.
func errNoStream() error { return NotFound("can not find the stream") }

// source finds the one that a call names by schema, vhost, app and stream.
func (h *Handler) source(a *arguments) (sources.Source, error) {
	if st, ok := h.media.Stream(h.key(a)); ok {
		for _, schema := range st.Schemas() {
			if schema == a.get("schema") {
				return sources.Source{Stream: st, Schema: schema}, nil
			}
		}
	}
	return sources.Source{}, errNoStream()
}

func (h *Handler) getMediaList(c *call) (reply, error) {
	found := h.sources(&c.args)
	var objects []zlmjson.Source
	for _, s := range found {
		objects = append(objects, mediaSource(s, len(found) == 1))
	}
	return list(reply{}, objects), nil
}

func (h *Handler) getMediaInfo(c *call) (reply, error) {
	s, err := h.source(&c.args)
	if err != nil {
		return nil, &Error{Code: codeNotFound, Msg: err.Error(), extra: reply{"online": false}}
	}
	out, err := fields(mediaSource(s, true))
	if err == nil {
		out["online"] = true
	}
	return out, err
}

func (h *Handler) isMediaOnline(c *call) (reply, error) {
	_, err := h.source(&c.args)
	return reply{"online": err == nil}, nil
}

func (h *Handler) closeStream(c *call) (reply, error) {
	s, err := h.source(&c.args)
	if err != nil {
		return nil, &Error{Code: codeNotFound, Msg: err.Error(), extra: reply{"result": -2}}
	}
	if !closeStream(s.Stream, c.args.bool("force")) {
		return nil, &Error{Code: codeFailed, Msg: "close failed", extra: reply{"result": -1}}
	}
	return reply{"result": 0, "msg": "success"}, nil
}

// closeStream ends a stream in all schemas. Without force one with players stays.
func closeStream(st *media.Stream, force bool) bool {
	if _, readers := st.Readers(""); readers > 0 && !force {
		return false
	}
	st.Kick(media.ErrKicked)
	return true
}

// closeStreams ends each stream that matches once, but counts its sources.
func (h *Handler) closeStreams(c *call) (reply, error) {
	hit, closed := 0, 0
	ended := map[*media.Stream]bool{}
	for _, s := range h.sources(&c.args) {
		hit++
		done, seen := ended[s.Stream]
		if !seen {
			done = closeStream(s.Stream, c.args.bool("force"))
			ended[s.Stream] = done
		}
		if done {
			closed++
		}
	}
	return reply{"count_hit": hit, "count_closed": closed}, nil
}

// player is an entry of getMediaPlayerList.
type player struct {
	TypeID string `json:"typeid"`
	zlmjson.SockInfo
}

func (h *Handler) getMediaPlayerList(c *call) (reply, error) {
	s, err := h.source(&c.args)
	if err != nil {
		return nil, err
	}
	players := []player{}
	for x := range h.media.Sessions() {
		if p := x.Player(); p != nil && p.Stream() == s.Stream && p.Schema() == s.Schema {
			players = append(players, player{typeID(x.Info()), zlmjson.NewSockInfo(x.Info())})
		}
	}
	return reply{"data": players}, nil
}

// broadcastMessage sends a text to the players that have a way to receive one. None of the protocols here has.
func (h *Handler) broadcastMessage(c *call) (reply, error) {
	_, err := h.source(&c.args)
	return reply{}, err
}

// typeID is the class of a session in the original, by which backends tell them apart.
func typeID(x hook.Session) string {
	switch x.Protocol {
	case "rtmp", "rtmps":
		return "mediakit::RtmpSession"
	case "rtsp", "rtsps":
		return "mediakit::RtspSession"
	case "shell":
		return "mediakit::ShellSession"
	case "rtp", "tcp", "udp":
		return "mediakit::RtpSession"
	case "http", "https", "ws", "wss", "hls", "hls.fmp4":
		return "mediakit::HttpSession"
	case "srt":
		return "mediakit::SrtSession"
	case "rtc":
		return "mediakit::WebRtcSession"
	}
	return "sluice::" + http.CanonicalHeaderKey(x.Protocol) + "Session"
}
