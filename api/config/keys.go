package config

import (
	"strings"
	"time"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// Keys returns all settings, in the order in which a new file has them. api.secret and general.mediaServerId
// have no default: a new file gets random ones.
func Keys() []Key {
	var all []Key
	bounds := bounds()
	for _, part := range [][]row{
		apiKeys(), ffmpegKeys(), protocolKeys(), generalKeys(), hlsKeys(), hookKeys(), clusterKeys(), httpKeys(),
		multicastKeys(), recordKeys(), rtmpKeys(), rtpKeys(), rtpProxyKeys(), rtcKeys(), srtKeys(), rtspKeys(),
		shellKeys(), otherKeys(),
	} {
		for _, r := range part {
			b := bounds[r.name]
			k := Key{r.name, r.typ, r.value, r.unit, r.comment, b.min, b.max, noEffect(r.name)}
			if k.NoEffect && !strings.HasPrefix(k.Comment, "of no effect") {
				k.Comment += " (of no effect yet)"
			}
			all = append(all, k)
		}
	}
	return all
}

// row is a Key in the tables below.
type row struct {
	name    string
	typ     Type
	value   string
	unit    time.Duration
	comment string
}

type bound struct{ min, max float64 }

// bounds are those of numbers that their type does not bound enough.
func bounds() map[string]bound {
	return map[string]bound{
		"protocol.modify_stamp":            {0, 2},
		"protocol.paced_sender_ms":         {0, 1000},
		"general.flowThreshold":            {0, 1 << 40},
		"general.maxConnections":           {0, 10_000_000},
		"general.maxConnectionsPerAddress": {0, 10_000_000},
		"api.metricStreams":                {0, 100_000},
		"general.mergeWriteMS":             {0, 10_000},
		"general.unready_frame_cache":      {0, 10_000},
		"hook.retry":                       {0, 100},
		"hook.outbox_mb":                   {1, 100_000},
		"multicast.udpTTL":                 {0, 255},
		"rtp.audioMtuSize":                 {100, 65_000},
		"rtp.videoMtuSize":                 {256, 60_000},
		"rtp_proxy.h264_pt":                {0, 127},
		"rtp_proxy.h265_pt":                {0, 127},
		"rtp_proxy.ps_pt":                  {0, 127},
		"rtp_proxy.opus_pt":                {0, 127},
		"rtsp.rtpTransportType":            {-1, 2},
	}
}

func apiKeys() []row {
	return []row{
		{"api.apiDebug", Bool, "1", 0, "log each API call with the code of its reply, where debug lines are logged (mediaserver -v)"},
		{"api.secret", String, "", 0, "the key of the API; random in a new file"},
		{"api.trustLoopback", Bool, "1", 0, "programs on this machine need no secret: neither through a proxy nor from a web page"},
		{"api.metricStreams", Uint, "1000", 0, "how many streams /metrics shows by name at most, the oldest; 0: none"},
		{"api.snapRoot", String, "./www/snap/", 0, "of no effect: snapshots are kept in memory"},
		{"api.defaultSnap", String, "./www/logo.png", 0, "the picture to send while there is no snapshot"},
		{"api.downloadRoot", String, "./www", 0, "directories that downloadFile may read, separated by ;"},
	}
}

func ffmpegKeys() []row {
	return []row{
		{"ffmpeg.bin", String, "ffmpeg", 0, "the ffmpeg program"},
		{"ffmpeg.cmd", String, "%s -re -i %s -c:a aac -strict -2 -ar 44100 -ab 48k -c:v libx264 -f flv %s", 0, "how to pull and push: program, source, destination"},
		{"ffmpeg.snap", String, "%s -i %s -y -f mjpeg -frames:v 1 -an %s", 0, "how to take a snapshot: program, source, file"},
		{"ffmpeg.log", String, "./ffmpeg/ffmpeg.log", 0, "what ffmpeg says; empty: nowhere"},
		{"ffmpeg.restart_sec", Int, "0", s, "restart ffmpeg after so many seconds; 0: never"},
	}
}

func protocolKeys() []row {
	return []row{
		{"protocol.modify_stamp", Uint, "2", 0, "time stamps: 0 the source's, 1 the receive clock, 2 relative with jumps repaired"},
		{"protocol.enable_audio", Bool, "1", 0, "keep audio"},
		{"protocol.add_mute_audio", Bool, "0", 0, "add silent AAC to streams without audio"},
		{"protocol.auto_close", Bool, "0", 0, "close a stream that nobody watches"},
		{"protocol.continue_push_ms", Uint, "15000", ms, "how long a stream outlives a publisher that dropped (ms); 0: not"},
		{"protocol.paced_sender_ms", Uint, "0", ms, "period of paced output (ms); 0: off"},
		{"protocol.enable_hls", Bool, "1", 0, "serve HLS with MPEG-TS"},
		{"protocol.enable_hls_fmp4", Bool, "0", 0, "serve HLS with fMP4"},
		{"protocol.enable_mp4", Bool, "0", 0, "record to MP4 from the start"},
		{"protocol.enable_rtsp", Bool, "1", 0, "serve RTSP"},
		{"protocol.enable_rtmp", Bool, "1", 0, "serve RTMP, HTTP-FLV and WS-FLV"},
		{"protocol.enable_ts", Bool, "1", 0, "serve HTTP-TS and WS-TS"},
		{"protocol.enable_fmp4", Bool, "1", 0, "serve HTTP-fMP4 and WS-fMP4"},
		{"protocol.mp4_as_player", Bool, "0", 0, "an MP4 recorder counts as a reader"},
		{"protocol.mp4_max_second", Uint, "3600", s, "length at which a recording goes on in a new file (s)"},
		{"protocol.mp4_save_path", String, "./www", 0, "where MP4 recordings go"},
		{"protocol.hls_save_path", String, "./www", 0, "where HLS files go"},
		{"protocol.hls_demand", Bool, "1", 0, "make HLS only while somebody watches it, beginning with what has come before; 0: always"},
		{"protocol.rtsp_demand", Bool, "0", 0, "of no effect: RTSP is made only while somebody watches it"},
		{"protocol.rtmp_demand", Bool, "0", 0, "of no effect: RTMP and FLV are made only while somebody watches them"},
		{"protocol.ts_demand", Bool, "0", 0, "make TS only while somebody watches it"},
		{"protocol.fmp4_demand", Bool, "0", 0, "make fMP4 only while somebody watches it"},
	}
}

func generalKeys() []row {
	return []row{
		{"general.mediaServerId", String, "", 0, "names this server in hooks; random in a new file"},
		{"general.enableVhost", Bool, "0", 0, "take virtual hosts from URLs"},
		{"general.flowThreshold", Uint, "1024", 0, "report traffic from so many KiB on"},
		{"general.maxStreamWaitMS", Uint, "15000", ms, "how long a player waits for a stream (ms)"},
		{"general.streamNoneReaderDelayMS", Uint, "20000", ms, "how long a stream must be unwatched to be asked about (ms)"},
		{"general.resetWhenRePlay", Bool, "1", 0, "a pull that reconnects drops its players"},
		{"general.mergeWriteMS", Uint, "0", ms, "collect what is sent for so long (ms); 0: picture by picture"},
		{"general.wait_track_ready_ms", Uint, "10000", ms, "how long to wait for the parameters of a track (ms)"},
		{"general.wait_audio_track_data_ms", Uint, "1000", ms, "drop an announced audio track that sends nothing for so long (ms)"},
		{"general.wait_add_track_ms", Uint, "3000", ms, "how long to wait for a second track (ms)"},
		{"general.unready_frame_cache", Uint, "100", 0, "frames kept for a track that is not ready"},
		{"general.broadcast_player_count_changed", Bool, "0", 0, "tell the program of each change of the number of players"},
		{"general.maxConnections", Uint, "20000", 0, "connections of all protocols together, as far as the limit of open files allows; 0: as many as that"},
		{"general.maxConnectionsPerAddress", Uint, "10000", 0, "connections of one address (of one /64 by IPv6); 0: any number"},
		{"general.listen_ip", IP, "::", 0, "the address to listen on"},
		{"general.check_nvidia_dev", Bool, "1", 0, "of no effect: for builds that transcode"},
		{"general.enable_ffmpeg_log", Bool, "0", 0, "of no effect: for builds that transcode"},
	}
}

func hlsKeys() []row {
	return []row{
		{"hls.segDur", Float, "2", s, "least length of a segment (s)"},
		{"hls.segNum", Uint, "3", 0, "segments in the playlist; 0: 1000, in at most 512 MiB of memory, and all are recorded as by segKeep"},
		{"hls.segRetain", Uint, "0", 0, "segments kept after they left the playlist, besides those that clients may still ask for"},
		{"hls.segDelay", Uint, "0", 0, "serve hls_delay.m3u8 with so many more segments, too; 0: not"},
		{"hls.partDur", Float, "0.5", s, "most length of a part in low-latency HLS (s); 0: no low latency"},
		{"hls.segKeep", Bool, "0", 0, "record all that can be watched by HLS: files below hls_save_path, a vod.m3u8 for each hour"},
		{"hls.fileBufSize", Uint, "65536", 0, "write buffer (bytes)"},
		{"hls.broadcastRecordTs", Bool, "0", 0, "send on_record_ts"},
		{"hls.deleteDelaySec", Uint, "10", s, "viewers of a stream have it for so long after its end (s)"},
		{"hls.fastRegister", Bool, "0", 0, "tell of HLS as soon as there is a group of pictures, not a segment"},
		{"hls.fmp4SegExt", String, ".mp4", 0, "suffix of fMP4 segments; other than letters and digits, and .ts: .mp4"},
	}
}

func clusterKeys() []row {
	return []row{
		{"cluster.origin_url", String, "", 0, "pull missing streams from these URLs, separated by ;"},
		{"cluster.timeout_sec", Float, "15", s, "for all origins together (s)"},
		{"cluster.retry_count", Int, "3", 0, "tries for each origin; less than 0: for ever"},
	}
}

func hookKeys() []row {
	keys := []row{
		{"hook.enable", Bool, "0", 0, "send web hooks"},
		{"hook.admin_params", String, "", 0, "who has exactly this query needs no hook; empty: nobody"},
		{"hook.timeoutSec", Float, "10", s, "for a whole request (s)"},
		{"hook.alive_interval", Float, "30.0", s, "period of on_server_keepalive (s)"},
		{"hook.retry", Uint, "1", 0, "further tries after a failed request"},
		{"hook.retry_delay", Float, "3.0", s, "pause before a further try (s)"},
		{"hook.stream_changed_schemas", String, "rtsp/rtmp/fmp4/ts/hls/hls.fmp4", 0, "schemas that send on_stream_changed; empty: all"},
		{"hook.tls_verify", Bool, "1", 0, "refuse hook servers without a valid certificate"},
		{"hook.sign_key", String, "", 0, "sign requests with this key, in X-Sluice-Signature; empty: off"},
		{"hook.outbox", String, "", 0, "directory that keeps notifications while the hook server is away; empty: off"},
		{"hook.outbox_mb", Uint, "16", 0, "largest size of the outbox of each hook (MiB)"},
	}
	for _, event := range []string{
		"on_flow_report", "on_http_access", "on_play", "on_publish", "on_record_mp4", "on_record_ts", "on_rtp_server_timeout",
		"on_rtsp_auth", "on_rtsp_realm", "on_send_rtp_stopped", "on_server_exited", "on_server_keepalive", "on_server_started",
		"on_shell_login", "on_stream_changed", "on_stream_none_reader", "on_stream_not_found",
	} {
		keys = append(keys, row{"hook." + event, String, "", 0, "URL of " + event + "; empty: off"})
	}
	return keys
}

func httpKeys() []row {
	return []row{
		{"http.port", Port, "8080", 0, "port of HTTP; 0: off"},
		{"http.sslport", Port, "0", 0, "port of HTTPS; 0: off"},
		{"http.charSet", String, "utf-8", 0, "character set of replies"},
		{"http.keepAliveSecond", Uint, "15", s, "idle limit of a connection (s)"},
		{"http.maxReqSize", Uint, "40960", 0, "largest body of a request (bytes)"},
		{"http.maxUploadSize", Uint, "1073741824", 0, "largest upload (bytes)"},
		{"http.notFound", String, "", 0, "the page, in HTML, for files and streams that are not there; empty: a plain one"},
		{"http.rootPath", String, "./www", 0, "folder whose files are served; empty: none"},
		{"http.sendBufSize", Uint, "65536", 0, "of no effect: files are sent without a buffer"},
		{"http.dirMenu", Bool, "1", 0, "show what is in folders that have no index.html"},
		{"http.virtualPath", String, "", 0, "folders that stand at other names in http.rootPath: name,folder;name,folder"},
		{"http.forbidCacheSuffix", String, "", 0, "suffixes of files that browsers are not to keep, separated by ,"},
		{"http.forwarded_ip_header", String, "", 0, "header in which a proxy of http.trusted_proxies says who the client is, such as X-Forwarded-For"},
		{"http.trusted_proxies", IPRanges, "127.0.0.1,::1", 0, "proxies that are believed about that; nobody if empty"},
		{"http.page", Bool, "1", 0, "show the page of live streams at /, in front of the files of http.rootPath"},
		{"http.publicStreams", Bool, "0", 0, "show the list of streams on the page to everybody, not only to who may call the API"},
		{"http.allow_cross_domains", Bool, "1", 0, "let pages of other origins play and call"},
		{"http.allow_ip_range", IPRanges, "::1,127.0.0.1,172.16.0.0-172.31.255.255,192.168.0.0-192.168.255.255,10.0.0.0-10.255.255.255", 0, "who may call the API, and read files where on_http_access does not decide; empty: all"},
	}
}

func multicastKeys() []row {
	return []row{
		{"multicast.addrMin", IP, "239.0.0.0", 0, "first address for RTSP multicast"},
		{"multicast.addrMax", IP, "239.255.255.255", 0, "last address for RTSP multicast"},
		{"multicast.udpTTL", Uint, "64", 0, "time to live of multicast packets"},
	}
}

func recordKeys() []row {
	return []row{
		{"record.appName", String, "record", 0, "app and directory of recordings"},
		{"record.sampleMS", Uint, "500", ms, "of no effect: every packet is played when it is due"},
		{"record.fileBufSize", Uint, "65536", 0, "of no effect: half a second is written at once"},
		{"record.fastStart", Bool, "0", 0, "of no effect: the index of an MP4 is always in front"},
		{"record.fileRepeat", Bool, "0", 0, "play files in a loop"},
		{"record.enableFmp4", Bool, "0", 0, "record fragmented MP4"},
	}
}

func rtmpKeys() []row {
	return []row{
		{"rtmp.port", Port, "1935", 0, "port of RTMP; 0: off"},
		{"rtmp.sslport", Port, "0", 0, "port of RTMPS; 0: off"},
		{"rtmp.handshakeSecond", Uint, "15", s, "time from the connection to publish or play (s); at most 10 are given"},
		{"rtmp.keepAliveSecond", Uint, "15", s, "a publisher that is silent for so long is cut (s)"},
		{"rtmp.directProxy", Bool, "1", 0, "of no effect: pulled streams are never taken apart needlessly"},
		{"rtmp.enhanced", Bool, "1", 0, "send H.265, AV1, VP8, VP9 and Opus as Enhanced RTMP; 0: by the older numbers"},
	}
}

func rtpKeys() []row {
	return []row{
		{"rtp.audioMtuSize", Uint, "600", 0, "largest RTP payload of audio (bytes)"},
		{"rtp.videoMtuSize", Uint, "1400", 0, "largest RTP payload of video (bytes)"},
		{"rtp.rtpMaxSize", Uint, "10", 0, "largest RTP packet over TCP (KiB)"},
		{"rtp.lowLatency", Bool, "0", 0, "send each packet at once"},
		{"rtp.h264_stap_a", Bool, "1", 0, "send parameter sets together"},
	}
}

func rtpProxyKeys() []row {
	return []row{
		{"rtp_proxy.port", Port, "10000", 0, "port for GB28181 RTP, UDP and TCP; 0: off"},
		{"rtp_proxy.timeoutSec", Uint, "15", s, "end of an RTP stream without frames (s)"},
		{"rtp_proxy.port_range", PortRange, "30000-35000", 0, "ports for RTP"},
		{"rtp_proxy.h264_pt", Uint, "98", 0, "payload type of H.264"},
		{"rtp_proxy.h265_pt", Uint, "99", 0, "payload type of H.265"},
		{"rtp_proxy.ps_pt", Uint, "96", 0, "of no effect: MPEG-PS is known by how it begins"},
		{"rtp_proxy.opus_pt", Uint, "100", 0, "payload type of Opus"},
		{"rtp_proxy.gop_cache", Uint, "1", 0, "of no effect: senders and recorders begin with the newest key picture"},
		{"rtp_proxy.rtp_g711_dur_ms", Uint, "100", ms, "length of a G.711 packet (ms)"},
		{"rtp_proxy.udp_recv_socket_buffer", Uint, "4194304", 0, "receive buffer of UDP sockets (bytes)"},
		{"rtp_proxy.merge_frame", Bool, "1", 0, "of no effect: a frame ends where the next begins"},
		{"rtp_proxy.dumpDir", String, "", 0, "of no effect: record the stream instead"},
	}
}

func rtcKeys() []row {
	return []row{
		{"rtc.port", Port, "0", 0, "UDP port of WebRTC; 0: off"},
		{"rtc.tcpPort", Port, "0", 0, "TCP port of WebRTC; 0: off"},
		{"rtc.externIP", String, "", 0, "addresses to announce"},
		{"rtc.interfaces", String, "", 0, "interfaces to use"},
		{"rtc.timeoutSec", Uint, "15", s, "end of a silent peer (s)"},
		{"rtc.rembBitRate", Uint, "0", 0, "announce this rate by REMB; 0: by TWCC"},
		{"rtc.preferredCodecA", String, "PCMA,PCMU,opus,mpeg4-generic", 0, "audio codecs, best first"},
		{"rtc.preferredCodecV", String, "H264,H265,AV1,VP9,VP8", 0, "video codecs, best first"},
		{"rtc.start_bitrate", Uint, "0", 0, "kbit/s"},
		{"rtc.max_bitrate", Uint, "0", 0, "kbit/s"},
		{"rtc.min_bitrate", Uint, "0", 0, "kbit/s"},
		{"rtc.maxRtpCacheMS", Uint, "5000", ms, "how long packets are kept to be sent again (ms)"},
		{"rtc.maxRtpCacheSize", Uint, "2048", 0, "how many packets are kept"},
		{"rtc.nackMaxSize", Uint, "2048", 0, "packets watched for loss"},
		{"rtc.nackMaxMS", Uint, "3000", ms, "how long a packet is asked for (ms)"},
		{"rtc.nackMaxCount", Uint, "15", 0, "how often a packet is asked for"},
		{"rtc.nackIntervalRatio", Float, "1.0", 0, "pause between requests, in round trips"},
		{"rtc.nackRtpSize", Uint, "8", 0, "reordering to bear with, video"},
		{"rtc.nackAudioRtpSize", Uint, "4", 0, "reordering to bear with, audio"},
		{"rtc.bfilter", Bool, "0", 0, "leave out B-frames"},
		{"rtc.preferred_tcp", Bool, "0", 0, "prefer TCP"},
		{"rtc.datachannel_echo", Bool, "1", 0, "answer on data channels"},
		{"rtc.signalingPort", Port, "0", 0, "port for signaling; 0: off"},
		{"rtc.signalingSslPort", Port, "0", 0, "port for signaling with TLS; 0: off"},
		{"rtc.icePort", Port, "0", 0, "UDP port of STUN and TURN; 0: off"},
		{"rtc.iceTcpPort", Port, "0", 0, "TCP port of STUN and TURN; 0: off"},
		{"rtc.enableTurn", Bool, "1", 0, "relay media"},
		{"rtc.iceTransportPolicy", Uint, "0", 0, "which ways to use"},
		{"rtc.iceUfrag", String, "", 0, "user of TURN"},
		{"rtc.icePwd", String, "", 0, "password of TURN"},
		{"rtc.max_stun_retry", Uint, "7", 0, "tries of a STUN request"},
		{"rtc.port_range", PortRange, "49152-65535", 0, "ports for relayed media"},
	}
}

func srtKeys() []row {
	return []row{
		{"srt.port", Port, "0", 0, "UDP port of SRT; 0: off"},
		{"srt.timeoutSec", Uint, "5", s, "end of a silent peer (s)"},
		{"srt.latencyMul", Float, "4", 0, "buffer, in round trips"},
		{"srt.pktBufSize", Uint, "8192", 0, "packets that can be buffered"},
		{"srt.passPhrase", String, "", 0, "key of encryption; empty: none"},
	}
}

func rtspKeys() []row {
	return []row{
		{"rtsp.port", Port, "8554", 0, "port of RTSP; 0: off"},
		{"rtsp.sslport", Port, "0", 0, "port of RTSPS; 0: off"},
		{"rtsp.authBasic", Bool, "0", 0, "ask for Basic authentication instead of Digest"},
		{"rtsp.directProxy", Bool, "1", 0, "pass RTP on as it came"},
		{"rtsp.handshakeSecond", Uint, "15", s, "time until media (s)"},
		{"rtsp.keepAliveSecond", Uint, "15", s, "end of a silent peer (s)"},
		{"rtsp.lowLatency", Bool, "0", 0, "send each packet at once"},
		{"rtsp.rtpTransportType", Int, "-1", 0, "allow only 0 TCP, 1 UDP or 2 multicast; -1: all"},
	}
}

func shellKeys() []row {
	return []row{
		{"shell.port", Port, "9000", 0, "port of the telnet shell; 0: off"},
		{"shell.maxReqSize", Uint, "1024", 0, "longest line (bytes)"},
	}
}

func otherKeys() []row {
	return []row{
		{"onvif.port", Port, "0", 0, "port of ONVIF discovery; 0: off"},
		{"python.plugin", String, "", 0, "of no effect: there are no plugins"},
	}
}
