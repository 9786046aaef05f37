package api

import (
	"time"

	"github.com/sluice-media/sluice/hook"
)

// serveFunc carries out a call.
type serveFunc func(*call) (reply, error)

// with serves an endpoint by a part, if there is one.
func with[P comparable](h *Handler, part func(*Parts) P, serve func(*call, P) (reply, error)) serveFunc {
	return func(c *call) (reply, error) {
		var none P
		p := part(&h.options().Parts)
		if p == none {
			return nil, errNotEnabled()
		}
		return serve(c, p)
	}
}

// addParts adds what serves the endpoints of parts.
func (h *Handler) addParts(all map[string]serveFunc) {
	h.addProxies(all)
	h.addPushers(all)
	h.addFFmpeg(all)
	h.addRTP(all)
	h.addSenders(all)
	h.addRecords(all)
	h.addFiles(all)
}

func seconds(f float64) time.Duration {
	return time.Duration(min(max(f, 0), 1e9) * float64(time.Second))
}

func millis(n uint64) time.Duration { return time.Duration(min(n, 1e12)) * time.Millisecond }

func keyed(key string, err error) (reply, error) {
	return reply{"data": reply{"key": key}}, err
}

func flag(ok bool) reply { return reply{"data": reply{"flag": ok}} }

func (h *Handler) addProxies(all map[string]serveFunc) {
	part := func(p *Parts) Proxies { return p.Proxies }
	all["addStreamProxy"] = with(h, part, func(c *call, p Proxies) (reply, error) {
		a := &c.args
		return keyed(p.AddProxy(c.request.Context(), ProxyRequest{
			Stream: h.key(a), URL: a.get("url"), Retries: a.retries(), Force: a.bool("force"),
			Timeout: seconds(a.float("timeout_sec")), RTPType: int(a.int("rtp_type")), Options: a.options(), Extra: a.others(c.endpoint),
		}))
	})
	all["delStreamProxy"] = with(h, part, func(c *call, p Proxies) (reply, error) {
		return flag(p.RemoveProxy(c.args.get("key"))), nil
	})
	all["listStreamProxy"] = with(h, part, func(c *call, p Proxies) (reply, error) { return h.listProxies(c, p.Proxies(), false) })
	all["getProxyInfo"] = with(h, part, func(c *call, p Proxies) (reply, error) { return h.proxyInfo(c, p.Proxies(), false) })
}

func (h *Handler) addPushers(all map[string]serveFunc) {
	part := func(p *Parts) Pushers { return p.Pushers }
	all["addStreamPusherProxy"] = with(h, part, func(c *call, p Pushers) (reply, error) {
		a := &c.args
		if _, err := h.source(a); err != nil {
			return nil, &Error{Code: codeFailed, Msg: err.Error()}
		}
		return keyed(p.AddPusher(c.request.Context(), PusherRequest{
			Schema: a.get("schema"), Stream: h.key(a), URL: a.get("dst_url"), Retries: a.retries(),
			Timeout: seconds(a.float("timeout_sec")), RTPType: int(a.int("rtp_type")),
		}))
	})
	all["delStreamPusherProxy"] = with(h, part, func(c *call, p Pushers) (reply, error) {
		return flag(p.RemovePusher(c.args.get("key"))), nil
	})
	all["listStreamPusherProxy"] = with(h, part, func(c *call, p Pushers) (reply, error) { return h.listProxies(c, p.Pushers(), true) })
	all["getProxyPusherInfo"] = with(h, part, func(c *call, p Pushers) (reply, error) { return h.proxyInfo(c, p.Pushers(), true) })
}

// listProxies shows all, or the one with the key of the call.
func (h *Handler) listProxies(c *call, proxies []Proxy, pusher bool) (reply, error) {
	key := c.args.get("key")
	var objects []reply
	for _, p := range proxies {
		if key == "" || key == p.Key {
			o := h.proxyObject(p, pusher)
			o["key"] = p.Key
			objects = append(objects, o)
		}
	}
	if key != "" && len(objects) == 0 {
		return nil, &Error{Code: codeException, Msg: "key not found: " + key}
	}
	return list(reply{}, objects), nil
}

func (h *Handler) proxyInfo(c *call, proxies []Proxy, pusher bool) (reply, error) {
	for _, p := range proxies {
		if p.Key == c.args.get("key") {
			return reply{"data": h.proxyObject(p, pusher)}, nil
		}
	}
	return nil, NotFound("can not find the proxy")
}

func (h *Handler) addFFmpeg(all map[string]serveFunc) {
	part := func(p *Parts) FFmpegSources { return p.FFmpeg }
	all["addFFmpegSource"] = with(h, part, func(c *call, p FFmpegSources) (reply, error) {
		a := &c.args
		return keyed(p.AddFFmpeg(c.request.Context(), FFmpegRequest{
			Source: a.get("src_url"), Destination: a.get("dst_url"), Timeout: millis(a.uint("timeout_ms", 1<<40)),
			EnableHLS: a.bool("enable_hls"), EnableMP4: a.bool("enable_mp4"), Command: a.get("ffmpeg_cmd_key"),
		}))
	})
	all["delFFmpegSource"] = with(h, part, func(c *call, p FFmpegSources) (reply, error) {
		return flag(p.RemoveFFmpeg(c.args.get("key"))), nil
	})
	all["listFFmpegSource"] = with(h, part, func(_ *call, p FFmpegSources) (reply, error) {
		return list(reply{}, p.FFmpegSources()), nil
	})
}

// retries is retry_count: without it for ever.
func (a *arguments) retries() int {
	if a.get("retry_count") == "" {
		return -1
	}
	return int(a.int("retry_count"))
}

// others are the arguments that an endpoint does not name.
func (a *arguments) others(e *endpoint) map[string]string {
	rest := map[string]string{}
	for name, value := range a.values {
		rest[name] = value
	}
	delete(rest, "secret")
	for _, p := range e.Params {
		delete(rest, p.Name)
	}
	return rest
}

// options are the protocol options that a call gives; an empty argument is as good as none.
func (a *arguments) options() hook.StreamOptions {
	return hook.StreamOptions{
		ModifyStamp: given(a, "modify_stamp", a.stamp), EnableAudio: given(a, "enable_audio", a.bool),
		AddMuteAudio: given(a, "add_mute_audio", a.bool), AutoClose: given(a, "auto_close", a.bool),
		ContinuePush: given(a, "continue_push_ms", a.millis), PacedSender: given(a, "paced_sender_ms", a.millis),
		EnableHLS: given(a, "enable_hls", a.bool), EnableHLSFMP4: given(a, "enable_hls_fmp4", a.bool),
		EnableMP4: given(a, "enable_mp4", a.bool), EnableRTSP: given(a, "enable_rtsp", a.bool),
		EnableRTMP: given(a, "enable_rtmp", a.bool), EnableTS: given(a, "enable_ts", a.bool), EnableFMP4: given(a, "enable_fmp4", a.bool),
		HLSDemand: given(a, "hls_demand", a.bool), RTSPDemand: given(a, "rtsp_demand", a.bool),
		RTMPDemand: given(a, "rtmp_demand", a.bool), TSDemand: given(a, "ts_demand", a.bool), FMP4Demand: given(a, "fmp4_demand", a.bool),
		MP4MaxDuration: given(a, "mp4_max_second", a.seconds), MP4AsPlayer: given(a, "mp4_as_player", a.bool),
		MP4SavePath: given(a, "mp4_save_path", a.get), HLSSavePath: given(a, "hls_save_path", a.get),
		MaxTrack: given(a, "max_track", a.tracks),
	}
}

// given is the value of an argument; nil if it has none.
func given[T any](a *arguments, name string, value func(string) T) *T {
	if a.get(name) == "" {
		return nil
	}
	return new(value(name))
}

func (a *arguments) stamp(name string) int             { return int(a.uint(name, 2)) }
func (a *arguments) tracks(name string) int            { return int(a.uint(name, 32)) }
func (a *arguments) millis(name string) time.Duration  { return millis(a.uint(name, 1<<40)) }
func (a *arguments) seconds(name string) time.Duration { return millis(1000 * a.uint(name, 1<<30)) }
