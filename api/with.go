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
			return nil, c.errNotEnabled()
		}
		return serve(c, p)
	}
}

// addParts adds what serves the endpoints of parts.
func (h *Handler) addParts(all map[string]serveFunc) {
	h.addRelay(all)
	h.addFFmpeg(all)
	h.addSnapshots(all)
	h.addReceiver(all)
	h.addSender(all)
	h.addRecords(all)
	h.addLibrary(all)
	h.addFiles(all)
	all["downloadFile"] = h.downloadFile
}

func seconds(f float64) time.Duration {
	return time.Duration(min(max(f, 0), 1e9) * float64(time.Second))
}

func millis(n uint64) time.Duration { return time.Duration(min(n, 1e12)) * time.Millisecond }

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
