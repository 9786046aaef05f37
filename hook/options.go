package hook

import "time"

// StreamOptions are the protocol and record options of one stream, fixed when it is published. A nil field
// keeps the server's default. The names are those of the on_publish reply and of config.ini's [protocol].
type StreamOptions struct {
	// ModifyStamp is 0 for the publisher's own time stamps, with only wraps unrolled; 1 for the receive clock, smoothed by
	// the publisher's; 2 for time stamps from zero on, with jumps bridged and gaps kept. Another value is refused.
	ModifyStamp *int
	// EnableAudio keeps the audio tracks.
	EnableAudio *bool
	// AddMuteAudio adds a silent AAC track to a stream that has no audio.
	AddMuteAudio *bool
	// AutoClose closes the stream by itself when nobody watches it.
	AutoClose *bool
	// NoneReaderHook has OnStreamNoneReader asked when nobody watches, also of a stream that closes by itself: nil is true.
	NoneReaderHook *bool
	// ContinuePush is how long a stream outlives a publisher that dropped without a clean end, so that it may
	// come back. 0 switches it off. Web hook: continue_push_ms.
	ContinuePush *time.Duration
	// KeepFor is how long packets are kept in memory for who wants to read from an earlier time, such as a recording that
	// begins before its cause. 0 keeps what new viewers need: one or two groups of pictures.
	KeepFor *time.Duration
	// PacedSender is the period, up to a second, at which packets of a source that sends in bursts are let out when they
	// are due. It costs delay: as much as the source is late at times, up to three seconds. 0 switches it off. Web hook:
	// paced_sender_ms.
	PacedSender *time.Duration

	// EnableHLS and the rest switch an output protocol of the stream on or off.
	EnableHLS     *bool
	EnableHLSFMP4 *bool
	EnableMP4     *bool
	EnableRTSP    *bool
	EnableRTMP    *bool
	EnableTS      *bool
	EnableFMP4    *bool

	// HLSDemand and the rest produce a protocol only while somebody watches it. For RTSP, RTMP, TS and FMP4 that is so
	// always: what a format needs to begin at once is kept anyway. For HLS it is so unless HLSDemand is false: then a viewer
	// finds as many segments as the playlist has, at the price of making them all the time.
	HLSDemand  *bool
	RTSPDemand *bool
	RTMPDemand *bool
	TSDemand   *bool
	FMP4Demand *bool

	// MP4MaxDuration is the length at which a recording goes on in a new file. Web hook: mp4_max_second.
	MP4MaxDuration *time.Duration
	// MP4AsPlayer makes an MP4 recorder count as a reader.
	MP4AsPlayer *bool
	MP4SavePath *string
	HLSSavePath *string
	// MaxTrack is the largest number of tracks, 1 to 16; nil is 16. The first ones are taken, the rest left out.
	MaxTrack *int
}

// Merge returns o with what is nil in it taken from base.
func (o StreamOptions) Merge(base StreamOptions) StreamOptions {
	return StreamOptions{
		ModifyStamp:    or(o.ModifyStamp, base.ModifyStamp),
		EnableAudio:    or(o.EnableAudio, base.EnableAudio),
		AddMuteAudio:   or(o.AddMuteAudio, base.AddMuteAudio),
		AutoClose:      or(o.AutoClose, base.AutoClose),
		NoneReaderHook: or(o.NoneReaderHook, base.NoneReaderHook),
		ContinuePush:   or(o.ContinuePush, base.ContinuePush),
		KeepFor:        or(o.KeepFor, base.KeepFor),
		PacedSender:    or(o.PacedSender, base.PacedSender),
		EnableHLS:      or(o.EnableHLS, base.EnableHLS),
		EnableHLSFMP4:  or(o.EnableHLSFMP4, base.EnableHLSFMP4),
		EnableMP4:      or(o.EnableMP4, base.EnableMP4),
		EnableRTSP:     or(o.EnableRTSP, base.EnableRTSP),
		EnableRTMP:     or(o.EnableRTMP, base.EnableRTMP),
		EnableTS:       or(o.EnableTS, base.EnableTS),
		EnableFMP4:     or(o.EnableFMP4, base.EnableFMP4),
		HLSDemand:      or(o.HLSDemand, base.HLSDemand),
		RTSPDemand:     or(o.RTSPDemand, base.RTSPDemand),
		RTMPDemand:     or(o.RTMPDemand, base.RTMPDemand),
		TSDemand:       or(o.TSDemand, base.TSDemand),
		FMP4Demand:     or(o.FMP4Demand, base.FMP4Demand),
		MP4MaxDuration: or(o.MP4MaxDuration, base.MP4MaxDuration),
		MP4AsPlayer:    or(o.MP4AsPlayer, base.MP4AsPlayer),
		MP4SavePath:    or(o.MP4SavePath, base.MP4SavePath),
		HLSSavePath:    or(o.HLSSavePath, base.HLSSavePath),
		MaxTrack:       or(o.MaxTrack, base.MaxTrack),
	}
}

func or[T any](v, otherwise *T) *T {
	if v != nil {
		return v
	}
	return otherwise
}
