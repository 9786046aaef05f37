package hook

import "context"

// PublishHook decides on a publisher of any protocol, before anything is started for it. The reply may set
// the protocol and record options of the stream. Web hook: on_publish.
type PublishHook interface {
	OnPublish(ctx context.Context, ev *PublishEvent) (PublishReply, error)
}

// PlayHook decides on a viewer, whatever its protocol. Web hook: on_play.
type PlayHook interface {
	OnPlay(ctx context.Context, ev *PlayEvent) error
}

// StreamNotFoundHook is asked after OnPlay when the stream does not exist. It may start a pull or a
// publisher and return: the player then waits for the stream, up to media.Config.PlayWait. With closePlayer
// the player is told at once that there is no such stream. An error is logged and has no other effect.
// Web hook: on_stream_not_found.
type StreamNotFoundHook interface {
	OnStreamNotFound(ctx context.Context, ev *PlayEvent) (closePlayer bool, err error)
}

// StreamNoneReaderHook is asked once each time a stream has been without readers for
// media.Config.NoneReaderDelay, and says whether to close it. Web hook: on_stream_none_reader.
type StreamNoneReaderHook interface {
	OnStreamNoneReader(ctx context.Context, ev *StreamEvent) (closeStream bool, err error)
}

// RTSPRealmHook is asked at the first DESCRIBE of a connection. An empty realm means no RTSP authentication,
// and OnPlay decides; otherwise the client is challenged, [RTSPAuthHook] decides and OnPlay is skipped.
// Web hook: on_rtsp_realm.
type RTSPRealmHook interface {
	OnRTSPRealm(ctx context.Context, ev *RTSPRealmEvent) (realm string, err error)
}

// RTSPAuthHook returns the password that an RTSP user must have proved to know. Web hook: on_rtsp_auth.
type RTSPAuthHook interface {
	OnRTSPAuth(ctx context.Context, ev *RTSPAuthEvent) (RTSPAuthReply, error)
}

// HTTPAccessHook decides on the download of a file or directory, before it is known to exist.
// Web hook: on_http_access.
type HTTPAccessHook interface {
	OnHTTPAccess(ctx context.Context, ev *HTTPAccessEvent) (HTTPAccessReply, error)
}

// ShellLoginHook decides on a login to the telnet shell. Web hook: on_shell_login.
type ShellLoginHook interface {
	OnShellLogin(ctx context.Context, ev *ShellLoginEvent) error
}

// StreamChangedHook is told when a stream appears and disappears, once for each schema it is served in.
// Web hook: on_stream_changed.
type StreamChangedHook interface {
	OnStreamChanged(ctx context.Context, ev *StreamChangedEvent)
}

// FlowReportHook is told what a publisher or player moved, when it leaves. Web hook: on_flow_report.
type FlowReportHook interface {
	OnFlowReport(ctx context.Context, ev *FlowReportEvent)
}

// RecordMP4Hook is told of each finished MP4 recording. Web hook: on_record_mp4.
type RecordMP4Hook interface {
	OnRecordMP4(ctx context.Context, ev *RecordEvent)
}

// RecordTSHook is told of each finished HLS segment. Web hook: on_record_ts.
type RecordTSHook interface {
	OnRecordTS(ctx context.Context, ev *RecordEvent)
}

// ServerStartedHook is told that the server has started, when its owner calls media.Server.Started.
// Web hook: on_server_started.
type ServerStartedHook interface {
	OnServerStarted(ctx context.Context, ev *ServerStartedEvent)
}

// ServerKeepaliveHook is told that the server lives, each time its owner calls media.Server.Keepalive.
// Web hook: on_server_keepalive.
type ServerKeepaliveHook interface {
	OnServerKeepalive(ctx context.Context, ev *ServerKeepaliveEvent)
}

// ServerExitedHook is told once, at an orderly end. Web hook: on_server_exited.
type ServerExitedHook interface {
	OnServerExited(ctx context.Context, ev *ServerExitedEvent)
}

// SendRTPStoppedHook is told when an RTP sender ended by itself. Web hook: on_send_rtp_stopped.
type SendRTPStoppedHook interface {
	OnSendRTPStopped(ctx context.Context, ev *SendRTPStoppedEvent)
}

// RTPServerTimeoutHook is told when an RTP receiver was removed for want of data.
// Web hook: on_rtp_server_timeout.
type RTPServerTimeoutHook interface {
	OnRTPServerTimeout(ctx context.Context, ev *RTPServerTimeoutEvent)
}
