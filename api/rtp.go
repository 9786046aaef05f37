package api

import (
	"errors"
	"strconv"
	"time"

	"github.com/sluice-media/sluice/gb28181"
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

func (h *Handler) addReceiver(all map[string]serveFunc) {
	part := func(p *Parts) Receiver { return p.Receiver }
	all["openRtpServer"] = with(h, part, func(c *call, p Receiver) (reply, error) { return h.openRTP(c, p, false) })
	all["openRtpServerMultiplex"] = with(h, part, func(c *call, p Receiver) (reply, error) { return h.openRTP(c, p, true) })
	all["closeRtpServer"] = with(h, part, func(c *call, p Receiver) (reply, error) {
		return reply{"hit": number(p.ClosePort(h.rtpKey(&c.args)))}, nil
	})
	all["listRtpServer"] = with(h, part, listPorts)
	all["getRtpInfo"] = with(h, part, h.getRTPInfo)
	all["connectRtpServer"] = with(h, part, func(c *call, p Receiver) (reply, error) {
		return nil, p.Connect(c.request.Context(), h.rtpKey(&c.args), c.args.get("dst_url"), int(c.args.uint("dst_port", 1<<16-1)))
	})
	all["updateRtpServerSSRC"] = with(h, part, func(c *call, p Receiver) (reply, error) {
		err := p.SetSSRC(c.request.Context(), h.rtpKey(&c.args), uint32(c.args.uint("ssrc", 1<<32-1)))
		return nil, unlessPort(err, "RtpServer not found by stream_id: "+c.args.get("stream_id"))
	})
	all["pauseRtpCheck"] = with(h, part, func(c *call, p Receiver) (reply, error) {
		pause := 300 * time.Second
		if n := c.args.uint("pause_seconds", 1<<30); n > 0 {
			pause = millis(1000 * n)
		}
		return nil, unlessPort(p.SuspendTimeout(h.rtpKey(&c.args), pause), "")
	})
	all["resumeRtpCheck"] = with(h, part, func(c *call, p Receiver) (reply, error) {
		return nil, unlessPort(p.SuspendTimeout(h.rtpKey(&c.args), 0), "")
	})
}

// unlessPort is err, but for a stream that has no port the reply that says so.
func unlessPort(err error, msg string) error {
	if errors.Is(err, gb28181.ErrNotFound) {
		return NotFound(msg)
	}
	return err
}

// port is an entry of listRtpServer.
type port struct {
	VHost     string `json:"vhost"`
	App       string `json:"app"`
	Stream    string `json:"stream_id"`
	Port      int    `json:"port"`
	SSRC      uint32 `json:"ssrc"`
	TCPMode   int    `json:"tcp_mode"`
	OnlyTrack int    `json:"only_track"`
}

func listPorts(_ *call, p Receiver) (reply, error) {
	var ports []port
	for _, s := range p.Ports() {
		ports = append(ports, port{
			s.Stream.VHost, s.Stream.App, s.Stream.Name, s.Number, s.SSRC, int(s.Mode), int(s.Tracks),
		})
	}
	return list(reply{}, ports), nil
}

// openRTP takes also the older names of its arguments: enable_tcp and only_audio.
func (h *Handler) openRTP(c *call, p Receiver, multiplex bool) (reply, error) {
	a := &c.args
	r := gb28181.Request{
		Stream: h.rtpKey(a), Port: int(a.uint("port", 1<<16-1)), Mode: gb28181.Mode(a.uint("tcp_mode", 2)),
		ReusePort: a.bool("re_use_port"), SSRC: uint32(a.uint("ssrc", 1<<32-1)), Tracks: gb28181.Tracks(a.uint("only_track", 2)),
		LocalIP: a.get("local_ip"), Multiplex: multiplex,
	}
	if a.get("tcp_mode") == "" && a.bool("enable_tcp") {
		r.Mode = gb28181.TCPPassive
	}
	if a.get("only_track") == "" && a.bool("only_audio") {
		r.Tracks = gb28181.AudioOnly
	}
	opened, err := p.Open(c.request.Context(), r)
	switch {
	case errors.Is(err, gb28181.ErrExists):
		return nil, BadArgument("This stream already exists")
	case err != nil:
		return nil, unexpected(err)
	}
	return reply{"port": opened.Number}, nil
}

func (h *Handler) getRTPInfo(c *call, p Receiver) (reply, error) {
	x, ok := p.Peer(h.rtpKey(&c.args))
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

func (h *Handler) addSender(all map[string]serveFunc) {
	part := func(p *Parts) Sender { return p.Sender }
	for name, mode := range map[string]gb28181.SendMode{
		"startSendRtp": gb28181.Dial, "startSendRtpPassive": gb28181.Listen, "startSendRtpTalk": gb28181.Talk,
	} {
		all[name] = with(h, part, func(c *call, p Sender) (reply, error) { return h.startSend(c, p, mode) })
	}
	all["stopSendRtp"] = with(h, part, h.stopSend)
	all["listRtpSender"] = with(h, part, func(c *call, p Sender) (reply, error) {
		if _, err := h.stream(&c.args); err != nil {
			return nil, err
		}
		out, ssrcs := reply{}, []string{}
		for _, s := range p.Senders(h.key(&c.args)) {
			ssrcs = append(ssrcs, strconv.FormatUint(uint64(s.SSRC), 10))
			out["data"], out["bytesSpeed"], out["totalBytes"] = ssrcs, s.BytesPerSecond, s.TotalBytes // the last one's
		}
		return out, nil
	})
}

func (h *Handler) stopSend(c *call, p Sender) (reply, error) {
	if _, err := h.stream(&c.args); err != nil {
		return nil, err
	}
	var ssrcs []uint32
	if c.args.get("ssrc") != "" {
		ssrc, err := c.args.ssrc()
		if err != nil {
			return nil, err
		}
		ssrcs = append(ssrcs, ssrc)
	}
	if p.StopSend(h.key(&c.args), ssrcs...) == 0 {
		return nil, &Error{Code: codeFailed, Msg: "stopSendRtp failed"}
	}
	return nil, nil
}

// ssrc is the number that the argument begins with.
func (a *arguments) ssrc() (uint32, error) {
	if text := leadingNumber(a.get("ssrc"), "0123456789"); text != "" {
		return uint32(a.uint("ssrc", 1<<32-1)), nil
	}
	return 0, &Error{Code: codeException, Msg: "ssrc is no number"}
}

// startSend takes also the older name of type: use_ps.
func (h *Handler) startSend(c *call, p Sender, mode gb28181.SendMode) (reply, error) {
	a := &c.args
	ssrc, err := a.ssrc()
	if err != nil {
		return nil, err
	}
	payload, err := a.payload()
	if err != nil {
		return nil, err
	}
	r := gb28181.SendRequest{
		Stream: h.key(a), Mode: mode, SSRC: ssrc, Host: a.get("dst_url"), Port: int(a.uint("dst_port", 1<<16-1)),
		UDP: a.bool("is_udp"), LocalPort: int(a.uint("src_port", 1<<16-1)), Recording: a.bool("from_mp4"), Payload: payload,
		PayloadType: given(a, "pt", func(name string) uint8 { return uint8(a.uint(name, 127)) }),
		AudioOnly:   a.bool("only_audio"), NeedReports: a.bool("udp_rtcp_timeout"), Shared: a.bool("ssrc_multi_send"),
		ConnectTimeout: a.millis("close_delay_ms"), BackPressure: a.bool("enable_origin_recv_limit"),
	}
	if name := a.get("recv_stream_id"); name != "" {
		r.Receive = media.StreamKey{VHost: r.Stream.VHost, App: r.Stream.App, Name: name}
	}
	if _, ok := h.media.Stream(r.Stream); !ok && !r.Recording {
		return nil, NotFound("can not find the source stream")
	}
	port, err := p.Send(c.request.Context(), r)
	if err != nil {
		return nil, withExtra(err, reply{"local_port": 0})
	}
	return reply{"local_port": port}, nil
}

// payload is MPEG-PS unless type, or by its older name use_ps, says otherwise.
func (a *arguments) payload() (gb28181.Payload, error) {
	n := int64(1)
	for _, name := range []string{"type", "use_ps"} {
		if a.get(name) != "" {
			n = a.int(name)
		}
	}
	kinds := [...]gb28181.Payload{gb28181.PayloadES, gb28181.PayloadPS, gb28181.PayloadTS}
	if n < 0 || n >= int64(len(kinds)) {
		return 0, &Error{Code: codeException, Msg: "type is none of 0 (ES), 1 (PS) and 2 (TS)"}
	}
	return kinds[n], nil
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
