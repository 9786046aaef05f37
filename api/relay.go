package api

import (
	"crypto/md5" //nolint:gosec // the contract's
	"encoding/hex"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/internal/zlmjson"
	"github.com/sluice-media/sluice/relay"
	"github.com/sluice-media/sluice/rtsp"
)

func keyed(key string, err error) (reply, error) {
	return reply{"data": reply{"key": key}}, err
}

func flag(ok bool) reply { return reply{"data": reply{"flag": ok}} }

// sum is what the API puts for a URL in a key.
func sum(url string) string {
	hash := md5.Sum([]byte(url)) //nolint:gosec // the contract's
	return hex.EncodeToString(hash[:])
}

// tuple is the name of a stream in a key, with the virtual host as the call gives it.
func (a *arguments) tuple() string {
	return a.or("vhost", hook.DefaultVHost) + "/" + a.get("app") + "/" + a.get("stream")
}

func (h *Handler) addRelay(all map[string]serveFunc) {
	part := func(p *Parts) Relay { return p.Relay }
	all["addStreamProxy"] = with(h, part, h.pull)
	all["delStreamProxy"] = with(h, part, func(c *call, p Relay) (reply, error) {
		return flag(p.StopPull(c.args.get("key"))), nil
	})
	all["listStreamProxy"] = with(h, part, func(c *call, p Relay) (reply, error) {
		return listRelays(c, p.Pulls(), h.pullObject)
	})
	all["getProxyInfo"] = with(h, part, func(c *call, p Relay) (reply, error) { return relayInfo(c, p.Pulls(), h.pullObject) })
	all["addStreamPusherProxy"] = with(h, part, h.push)
	all["delStreamPusherProxy"] = with(h, part, func(c *call, p Relay) (reply, error) {
		return flag(p.StopPush(c.args.get("key"))), nil
	})
	all["listStreamPusherProxy"] = with(h, part, func(c *call, p Relay) (reply, error) {
		return listRelays(c, p.Pushes(), pushObject)
	})
	all["getProxyPusherInfo"] = with(h, part, func(c *call, p Relay) (reply, error) { return relayInfo(c, p.Pushes(), pushObject) })
	for name, change := range map[string]func(*call, Relay) error{
		"setStreamSpeed": func(c *call, p Relay) error {
			return p.SetSpeed(c.request.Context(), h.key(&c.args), c.args.float("speed"))
		},
		"pauseStream": func(c *call, p Relay) error { return p.Pause(c.request.Context(), h.key(&c.args)) },
		"seekStream": func(c *call, p Relay) error {
			return p.Seek(c.request.Context(), h.key(&c.args), seconds(c.args.float("position")))
		},
	} {
		all[name] = with(h, part, func(c *call, p Relay) (reply, error) {
			err := change(c, p)
			if errors.Is(err, relay.ErrNotFound) {
				return nil, NotFound("can not find the stream proxy")
			}
			return reply{"result": 0, "msg": "success"}, relayError(err)
		})
	}
}

func (h *Handler) pull(c *call, p Relay) (reply, error) {
	a := &c.args
	r := relay.PullRequest{
		Stream: h.key(a), Key: a.tuple(), URL: a.get("url"), User: a.get("rtsp_user"), Password: a.get("rtsp_pwd"),
		Format: a.get("schema"), Transport: a.transport(), LocalAddr: a.get("net_adapter"), Speed: a.float("rtsp_speed"),
		Options: a.options(), Retry: a.retry(),
	}
	err := p.Pull(c.request.Context(), r)
	if errors.Is(err, relay.ErrExists) {
		return nil, &Error{Code: codeFailed, Msg: "This stream already exists"}
	}
	return keyed(r.Key, relayError(err))
}

func (h *Handler) push(c *call, p Relay) (reply, error) {
	a := &c.args
	if _, err := h.source(a); err != nil {
		return nil, &Error{Code: codeFailed, Msg: err.Error()}
	}
	r := relay.PushRequest{
		Stream: h.key(a), Schema: a.get("schema"), Key: a.get("schema") + "/" + a.tuple() + "/" + sum(a.get("dst_url")),
		URL: a.get("dst_url"), Transport: a.transport(), Retry: a.retry(),
	}
	return keyed(r.Key, relayError(unlessExists(p.Push(c.request.Context(), r))))
}

// unlessExists is err, but for what runs already: that is as good.
func unlessExists(err error) error {
	if errors.Is(err, relay.ErrExists) {
		return nil
	}
	return err
}

// transport is rtp_type: TCP unless it says otherwise.
func (a *arguments) transport() rtsp.Transport {
	return [...]rtsp.Transport{rtsp.TCP, rtsp.UDP, rtsp.Multicast}[a.uint("rtp_type", 2)]
}

// retry is how a call wants to be tried again. Its retry_count is for ever if negative or not given, and 0 for never.
func (a *arguments) retry() relay.Retry {
	r := relay.Retry{
		Force: a.bool("force"), Timeout: seconds(a.float("timeout_sec")), MediaTimeout: a.millis("media_timeout_ms"),
		KeepAlive: a.millis("beat_interval_ms"),
	}
	if r.Timeout <= 100*time.Millisecond {
		r.Timeout = a.millis("protocol_timeout_ms")
	}
	switch n := a.int("retry_count"); {
	case a.get("retry_count") == "" || n < 0:
	case n == 0:
		r.MaxRetries = -1
	default:
		r.MaxRetries = int(min(n, 1<<30))
	}
	return r
}

// listRelays shows all, or the one with the key of the call.
func listRelays(c *call, all []relay.Status, object func(relay.Status) reply) (reply, error) {
	key := c.args.get("key")
	var objects []reply
	for _, s := range all {
		if key == "" || key == s.Key {
			o := object(s)
			o["key"] = s.Key
			objects = append(objects, o)
		}
	}
	if key != "" && len(objects) == 0 {
		return nil, &Error{Code: codeException, Msg: "key not found: " + key}
	}
	return list(reply{}, objects), nil
}

func relayInfo(c *call, all []relay.Status, object func(relay.Status) reply) (reply, error) {
	for _, s := range all {
		if s.Key == c.args.get("key") {
			return reply{"data": object(s)}, nil
		}
	}
	return nil, NotFound("can not find the proxy")
}

// relayObject is what the API shows of a pull as of a push.
func relayObject(s relay.Status) reply {
	out := reply{
		"url": redact.URL(s.URL), "status": number(s.State != relay.Playing), "liveSecs": int64(s.Alive / time.Second),
		"bytesSpeed": s.BytesPerSecond, "totalBytes": s.TotalBytes,
	}
	return out
}

func pushObject(s relay.Status) reply {
	out := relayObject(s)
	out["src"], out["rePublishCount"] = zlmjson.NewTuple(s.Stream, ""), s.Retries
	return out
}

func (h *Handler) pullObject(s relay.Status) reply {
	out, src := relayObject(s), zlmjson.NewTuple(s.Stream, "")
	out["status_str"], out["rePullCount"], out["totalReaderCount"], out["tracks"] = stateText(s), s.Retries, 0, []zlmjson.Track{}
	if st, ok := h.media.Stream(s.Stream); ok {
		info := st.Source("")
		src.Params = info.Params
		out["totalReaderCount"], out["tracks"] = info.TotalReaders, zlmjson.NewTracks(info.Tracks, false)
	}
	out["src"] = src
	return out
}

// stateText is the status_str of a pull.
func stateText(s relay.Status) string {
	text := [...]string{relay.Connecting: "connecting", relay.Playing: "playing", relay.Failed: "play failed", relay.Dropped: "play shutdown"}
	out := text[min(max(s.State, 0), relay.Dropped)]
	if s.State > relay.Playing && s.Err != nil {
		out += ": " + relayText(s.Err)
	}
	return out
}

// relayText is why an attempt failed, as the original says it where that is shorter.
func relayText(err error) string {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "connection refused"
	}
	if e, ok := errors.AsType[*rtsp.StatusError](err); ok {
		return fmt.Sprintf("%s:%d %s", e.Method, e.Code, e.Reason)
	}
	return redact.Text(err.Error())
}

// relayError is what a call is answered with when the first attempt has failed.
func relayError(err error) error {
	if _, chosen := errors.AsType[*Error](err); err == nil || chosen {
		return err
	}
	return &Error{Code: codeFailed, Msg: relayText(err)}
}
