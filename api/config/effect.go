package config

import "slices"

// noEffect reports whether nothing reads a setting: the part that will is not there yet, or what it sets is not needed.
func noEffect(key string) bool {
	switch sectionOf(key) {
	case "rtc", "srt", "onvif", "python":
		return true
	}
	return slices.Contains(idle(), key)
}

// idle lists the settings without an effect in sections that have others.
func idle() []string {
	return []string{
		"api.snapRoot", "ffmpeg.log", "ffmpeg.restart_sec",

		"hls.fileBufSize",

		"protocol.fmp4_demand",
		"protocol.rtmp_demand", "protocol.rtsp_demand",
		"protocol.ts_demand",

		"general.broadcast_player_count_changed", "general.check_nvidia_dev", "general.enable_ffmpeg_log",
		"general.resetWhenRePlay", "general.unready_frame_cache", "general.wait_add_track_ms",
		"general.wait_audio_track_data_ms", "general.wait_track_ready_ms",

		"http.maxUploadSize", "http.sendBufSize",

		"record.fastStart", "record.fileBufSize", "record.sampleMS",

		"rtp_proxy.dumpDir", "rtp_proxy.gop_cache", "rtp_proxy.merge_frame", "rtp_proxy.ps_pt",

		"rtmp.directProxy", "rtp.audioMtuSize", "rtp.h264_stap_a", "rtp.lowLatency", "rtp.rtpMaxSize", "rtsp.directProxy",
		"rtsp.lowLatency",
	}
}
