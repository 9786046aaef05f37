package httphook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// maxReply bounds the body of a reply.
const maxReply = 64 << 10

// reply is the object a backend answered with, whose code is 0.
type reply map[string]json.RawMessage

// parseReply returns the reply in a body. The error is an *[Error] if the body does not count, and a *hook.DenyError if
// the backend refuses.
func parseReply(body []byte) (reply, error) {
	if len(body) > maxReply {
		return nil, &Error{ClassBody, fmt.Errorf("longer than %d bytes", maxReply)}
	}
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, &Error{ClassBody, err}
	}
	if r == nil {
		return nil, &Error{ClassBody, errors.New("not an object")}
	}
	code, err := r.code()
	if err != nil {
		return nil, &Error{ClassCode, err}
	}
	if code != 0 {
		msg, _ := r.text("msg")
		return nil, hook.Deny(code, msg)
	}
	return r, nil
}

// code is the verdict: a whole number, which may be written as 0.0 but not as "0".
func (r reply) code() (int, error) {
	raw, ok := r["code"]
	if !ok {
		return 0, errors.New("there is none")
	}
	f, err := strconv.ParseFloat(string(bytes.TrimSpace(raw)), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32 {
		return 0, errors.New("not a whole number")
	}
	return int(f), nil
}

// text is a string, or the text of a number or bool. A value that is null, an array or an object counts as absent.
func (r reply) text(key string) (string, bool) {
	raw := bytes.TrimSpace(r[key])
	switch {
	case len(raw) == 0 || raw[0] == 'n' || raw[0] == '{' || raw[0] == '[':
		return "", false
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	}
	return string(raw), true
}

// flag is a bool, or a number or text that stands for one. Empty text is false; nil is absent.
func (r reply) flag(keys ...string) *bool {
	for _, key := range keys {
		if text, ok := r.text(key); ok {
			return new(strings.EqualFold(strings.TrimSpace(text), "true") || number(text) != 0)
		}
	}
	return nil
}

// whole is a number, or text or a bool that stands for one; nil is absent.
func (r reply) whole(key string) *int {
	if text, ok := r.text(key); ok {
		return new(int(number(text)))
	}
	return nil
}

// duration is a number of units; nil is absent, or negative.
func (r reply) duration(key string, unit time.Duration) *time.Duration {
	text, ok := r.text(key)
	if !ok || number(text) < 0 {
		return nil
	}
	return new(time.Duration(number(text) * float64(unit)))
}

// path is text; nil is absent, or empty, which keeps the default.
func (r reply) path(key string) *string {
	if text, ok := r.text(key); ok && text != "" {
		return &text
	}
	return nil
}

// number is what a text stands for, 0 for garbage, and no more than fits everywhere.
func number(text string) float64 {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "true") {
		return 1
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) {
		return 0
	}
	return max(min(f, math.MaxInt32), math.MinInt32)
}

// within is n, or nil if the core would refuse it: a backend's odd number is no reason to send a publisher away.
func within(n *int, first, last int) *int {
	if n == nil || *n < first || *n > last {
		return nil
	}
	return n
}

func atMost(d *time.Duration, longest time.Duration) *time.Duration {
	if d == nil {
		return nil
	}
	return new(min(*d, longest))
}

// options are those of a stream that the reply to on_publish sets.
func (r reply) options() hook.StreamOptions {
	return hook.StreamOptions{
		ModifyStamp:    within(r.whole("modify_stamp"), 0, 2),
		EnableAudio:    r.flag("enable_audio"),
		AddMuteAudio:   r.flag("add_mute_audio"),
		AutoClose:      r.flag("auto_close"),
		ContinuePush:   r.duration("continue_push_ms", time.Millisecond),
		PacedSender:    atMost(r.duration("paced_sender_ms", time.Millisecond), time.Second),
		EnableHLS:      r.flag("enable_hls", "enableHls"),
		EnableHLSFMP4:  r.flag("enable_hls_fmp4"),
		EnableMP4:      r.flag("enable_mp4", "enableMP4"),
		EnableRTSP:     r.flag("enable_rtsp"),
		EnableRTMP:     r.flag("enable_rtmp"),
		EnableTS:       r.flag("enable_ts"),
		EnableFMP4:     r.flag("enable_fmp4"),
		HLSDemand:      r.flag("hls_demand"),
		RTSPDemand:     r.flag("rtsp_demand"),
		RTMPDemand:     r.flag("rtmp_demand"),
		TSDemand:       r.flag("ts_demand"),
		FMP4Demand:     r.flag("fmp4_demand"),
		MP4MaxDuration: r.duration("mp4_max_second", time.Second),
		MP4AsPlayer:    r.flag("mp4_as_player"),
		MP4SavePath:    r.path("mp4_save_path"),
		HLSSavePath:    r.path("hls_save_path"),
		MaxTrack:       within(r.whole("max_track"), 1, math.MaxInt32),
	}
}
