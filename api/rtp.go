package api

import (
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/zlmjson"
	"github.com/sluice-media/sluice/media"
)

// rtpKey is the stream that stream_id names; its app is rtp unless the call says otherwise.
func (h *Handler) rtpKey(a *arguments) media.StreamKey {
	vhost := a.or("vhost", hook.DefaultVHost)
	if !h.options().EnableVHost {
		vhost = hook.DefaultVHost
	}
	return media.StreamKey{VHost: vhost, App: a.or("app", "rtp"), Name: a.get("stream_id")}
}

func (h *Handler) addRTP(all map[string]serveFunc) {
	part := func(p *Parts) RTPServers { return p.RTP }
	all["openRtpServer"] = with(h, part, func(c *call, p RTPServers) (reply, error) { return h.openRTP(c, p, false) })
	all["openRtpServerMultiplex"] = with(h, part, func(c *call, p RTPServers) (reply, error) { return h.openRTP(c, p, true) })
	all["closeRtpServer"] = with(h, part, func(c *call, p RTPServers) (reply, error) {
		return reply{"hit": number(p.CloseRTP(h.rtpKey(&c.args)))}, nil
	})
	all["listRtpServer"] = with(h, part, func(_ *call, p RTPServers) (reply, error) { return list(reply{}, p.RTPServers()), nil })
	all["getRtpInfo"] = with(h, part, h.getRTPInfo)
	all["connectRtpServer"] = with(h, part, func(c *call, p RTPServers) (reply, error) {
		return nil, p.ConnectRTP(c.request.Context(), h.rtpKey(&c.args), c.args.get("dst_url"), int(c.args.uint("dst_port", 1<<16-1)))
	})
	all["updateRtpServerSSRC"] = with(h, part, func(c *call, p RTPServers) (reply, error) {
		return nil, p.SetRTPSSRC(h.rtpKey(&c.args), uint32(c.args.uint("ssrc", 1<<32-1)))
	})
	all["pauseRtpCheck"] = with(h, part, func(c *call, p RTPServers) (reply, error) {
		pause := 300 * time.Second
		if n := c.args.uint("pause_seconds", 1<<30); n > 0 {
			pause = millis(1000 * n)
		}
		return nil, p.PauseRTPCheck(h.rtpKey(&c.args), pause)
	})
	all["resumeRtpCheck"] = with(h, part, func(c *call, p RTPServers) (reply, error) {
		return nil, p.PauseRTPCheck(h.rtpKey(&c.args), 0)
	})
}

// openRTP takes also the older names of its arguments: enable_tcp and only_audio.
func (h *Handler) openRTP(c *call, p RTPServers, multiplex bool) (reply, error) {
	a := &c.args
	r := RTPServerRequest{
		Stream: h.rtpKey(a), Port: int(a.uint("port", 1<<16-1)), TCPMode: int(a.uint("tcp_mode", 2)), Reuse: a.bool("re_use_port"),
		SSRC: uint32(a.uint("ssrc", 1<<32-1)), OnlyTrack: int(a.uint("only_track", 2)), LocalIP: a.get("local_ip"), Multiplex: multiplex,
	}
	if a.get("tcp_mode") == "" && a.bool("enable_tcp") {
		r.TCPMode = 1
	}
	if a.get("only_track") == "" && a.bool("only_audio") {
		r.OnlyTrack = 1
	}
	port, err := p.OpenRTP(c.request.Context(), r)
	return reply{"port": port}, err
}

func (h *Handler) getRTPInfo(c *call, p RTPServers) (reply, error) {
	x, ok := p.RTPSession(h.rtpKey(&c.args))
	if !ok {
		return reply{"exist": false}, nil
	}
	info := zlmjson.NewSockInfo(x)
	info.Identifier = c.args.get("stream_id")
	out, err := fields(info)
	if err == nil {
		out["exist"] = true
	}
	return out, err
}

func (h *Handler) addSenders(all map[string]serveFunc) {
	part := func(p *Parts) RTPSenders { return p.Senders }
	for name, mode := range map[string]string{"startSendRtp": "", "startSendRtpPassive": "passive", "startSendRtpTalk": "talk"} {
		all[name] = with(h, part, func(c *call, p RTPSenders) (reply, error) { return h.startSend(c, p, mode) })
	}
	all["stopSendRtp"] = with(h, part, func(c *call, p RTPSenders) (reply, error) {
		if _, ok := h.media.Stream(h.key(&c.args)); !ok {
			return nil, errNoStream()
		}
		if !p.StopSend(h.key(&c.args), c.args.get("ssrc")) {
			return nil, &Error{Code: codeFailed, Msg: "stopSendRtp failed"}
		}
		return nil, nil
	})
	all["listRtpSender"] = with(h, part, func(c *call, p RTPSenders) (reply, error) {
		if _, ok := h.media.Stream(h.key(&c.args)); !ok {
			return nil, errNoStream()
		}
		ssrcs, speed, total := p.Senders(h.key(&c.args))
		if len(ssrcs) == 0 {
			return nil, nil
		}
		return reply{"data": ssrcs, "bytesSpeed": speed, "totalBytes": total}, nil
	})
}

// startSend takes also the older name of type: use_ps.
func (h *Handler) startSend(c *call, p RTPSenders, mode string) (reply, error) {
	a := &c.args
	r := SendRequest{
		Stream: h.key(a), Mode: mode, SSRC: a.get("ssrc"), Host: a.get("dst_url"), Port: int(a.uint("dst_port", 1<<16-1)),
		UDP: a.bool("is_udp"), LocalPort: int(a.uint("src_port", 1<<16-1)), FromMP4: a.bool("from_mp4"), Type: 1, PayloadType: 96,
		OnlyAudio: a.bool("only_audio"), RTCPTimeout: a.bool("udp_rtcp_timeout"), MultiSend: a.bool("ssrc_multi_send"),
		Receiver: a.get("recv_stream_id"), CloseDelay: 5 * time.Second, BackPressure: a.bool("enable_origin_recv_limit"),
	}
	for _, name := range []string{"type", "use_ps"} {
		if a.get(name) != "" {
			r.Type = int(a.int(name))
		}
	}
	if r.Type < 0 || r.Type > 2 {
		return nil, &Error{Code: codeException, Msg: "type is none of 0 (ES), 1 (PS) and 2 (TS)"}
	}
	if a.get("pt") != "" {
		r.PayloadType = int(a.uint("pt", 127))
	}
	if a.get("close_delay_ms") != "" {
		r.CloseDelay = a.millis("close_delay_ms")
	}
	if _, ok := h.media.Stream(r.Stream); !ok && !r.FromMP4 {
		return nil, NotFound("can not find the source stream")
	}
	port, err := p.StartSend(c.request.Context(), r)
	if err != nil {
		return nil, withExtra(err, reply{"local_port": 0})
	}
	return reply{"local_port": port}, nil
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
