// Package hook is what a host service implements to decide about streams and to be told about them.
//
// There is one small interface per event, named after the ZLMediaKit web hook it mirrors. A value may
// implement any number of them; media.New looks once which ones it has. Decisions (publish, play, stream not
// found, none reader, RTSP realm and auth, HTTP access, shell login) run on the goroutine of the session
// that asks, with a context that ends with the session or with the hook timeout; they are never called under
// a lock, and one that panics counts as a refusal. Observations are delivered in order per stream from a
// bounded queue, off the media path.
//
// Say which interfaces a value is meant to implement, so that the compiler checks its methods:
//
//	var _ hook.PlayHook = (*gate)(nil)
//
// media.New refuses a value with a method of a known name that is no hook: of another type, in other letters, on the
// pointer of a value, or one of two embedded ones.
//
// The package is a leaf: it imports nothing of this module, so every other package can speak of its events.
package hook

import (
	"net/netip"
	"net/url"
)

// Hook is a value that implements one or more of the interfaces of this package, or [Multi].
type Hook any

// Multi is a hook made of hooks: what Hooks returns is used instead of the value itself, which must have no hook
// methods besides.
type Multi interface {
	// Hooks returns the parts, in the order in which they are asked and told.
	Hooks() []Hook
}

// DefaultVHost is the virtual host of every stream while virtual hosts are off, and of every URL whose host
// is an IP address or localhost.
const DefaultVHost = "__defaultVhost__"

// StreamKey names a stream. It is comparable, so it serves as a map key. Whatever takes one takes an empty VHost for
// [DefaultVHost]; whatever gives one gives it canonical.
type StreamKey struct {
	// VHost is the virtual host, usually DefaultVHost.
	VHost string
	// App is the first segment of the path.
	App string
	// Name is the rest of the path; it may contain slashes.
	Name string
}

// Canonical returns k with an empty VHost replaced by [DefaultVHost]: the form in which keys can be compared.
func (k StreamKey) Canonical() StreamKey {
	if k.VHost == "" {
		k.VHost = DefaultVHost
	}
	return k
}

// String returns "vhost/app/name" of the canonical key.
func (k StreamKey) String() string {
	k = k.Canonical()
	return k.VHost + "/" + k.App + "/" + k.Name
}

// Session is a snapshot of the peer behind an event. It holds no live connection.
type Session struct {
	// ID is the id of the session in the session list; unique in a process.
	ID string
	// Schema is the kind of source the client uses: rtmp, rtsp, hls, hls.fmp4, ts, fmp4, rtc, rtp.
	// HTTP-FLV and WS-FLV are of schema rtmp.
	Schema string
	// Protocol is how the client talks: rtmp, rtmps, rtsp, rtsps, http, https, ws, wss, hls, hls.fmp4,
	// rtp ….
	Protocol string
	// Remote is the address of the peer. It is the zero value if there is no peer.
	Remote netip.AddrPort
	// Local is the address on which the peer was accepted.
	Local netip.AddrPort
	// Params is the raw query of the client's URL, without the question mark and not decoded.
	Params string
}

// Query returns Params decoded. Pairs that cannot be decoded are left out.
func (s Session) Query() url.Values {
	v, _ := url.ParseQuery(s.Params) // the pairs that could be parsed are in v all the same
	return v
}

// Origin says where a stream comes from. The numbers are those of the API's originType.
type Origin int

// The origins of a stream.
const (
	OriginUnknown Origin = iota
	OriginRTMPPush
	OriginRTSPPush
	OriginRTPPush
	OriginPull
	OriginFFmpegPull
	OriginMP4VOD
	OriginDevice
	OriginRTCPush
	OriginSRTPush
)

// String returns the API's originTypeStr, such as "rtmp_push".
func (o Origin) String() string {
	names := [...]string{
		"unknown", "rtmp_push", "rtsp_push", "rtp_push", "pull",
		"ffmpeg_pull", "mp4_vod", "device_chn", "rtc_push", "srt_push",
	}
	if o < 0 || int(o) >= len(names) {
		return names[0]
	}
	return names[o]
}
