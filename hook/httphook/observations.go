package httphook

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/zlmjson"
)

func newStreamBody(key hook.StreamKey, schema, params string) streamBody {
	return streamBody{schema, zlmjson.NewTuple(key, params)}
}

// OnStreamChanged posts on_stream_changed.
func (h *Hook) OnStreamChanged(ctx context.Context, ev *hook.StreamChangedEvent) {
	s := h.settings.Load()
	if len(s.Schemas) > 0 && !slices.Contains(s.Schemas, ev.Schema) {
		return
	}
	var body any = unregisterBody{newStreamBody(ev.Stream, ev.Schema, ev.Source.Params), false}
	if ev.Registered {
		body = registerBody{zlmjson.NewSource(ev.Stream, ev.Schema, ev.Source, true), true}
	}
	h.observe(ctx, s, "on_stream_changed", ev.Stream.VHost, body)
}

// OnFlowReport posts on_flow_report.
func (h *Hook) OnFlowReport(ctx context.Context, ev *hook.FlowReportEvent) {
	s := h.settings.Load()
	if s.admin(ev.Session) {
		return
	}
	h.observe(ctx, s, "on_flow_report", ev.Stream.VHost, flowBody{
		client: newClient(ev.Stream, ev.Session), TotalBytes: ev.TotalBytes,
		Duration: int64(ev.Duration / time.Second), Player: ev.Player,
	})
}

// OnRecordMP4 posts on_record_mp4.
func (h *Hook) OnRecordMP4(ctx context.Context, ev *hook.RecordEvent) {
	h.observe(ctx, h.settings.Load(), "on_record_mp4", ev.Stream.VHost, newRecordBody(ev))
}

// OnRecordTS posts on_record_ts.
func (h *Hook) OnRecordTS(ctx context.Context, ev *hook.RecordEvent) {
	h.observe(ctx, h.settings.Load(), "on_record_ts", ev.Stream.VHost, newRecordBody(ev))
}

func newRecordBody(ev *hook.RecordEvent) recordBody {
	return recordBody{
		Tuple: zlmjson.NewTuple(ev.Stream, ev.Params), StartTime: ev.Start.Unix(), TimeLen: ev.Length.Seconds(),
		FileSize: ev.FileSize, FileName: ev.FileName, FilePath: ev.FilePath, Folder: ev.Folder, URL: ev.URL,
	}
}

// OnServerStarted posts on_server_started, with the whole configuration.
func (h *Hook) OnServerStarted(ctx context.Context, ev *hook.ServerStartedEvent) {
	body := map[string]any{}
	for key, value := range ev.Config {
		body[key] = value
	}
	h.observe(ctx, h.settings.Load(), "on_server_started", "", body)
}

// OnServerKeepalive posts on_server_keepalive. It is not kept in the outbox.
func (h *Hook) OnServerKeepalive(ctx context.Context, ev *hook.ServerKeepaliveEvent) {
	h.tell(ctx, h.settings.Load(), "on_server_keepalive", "", keepaliveBody{maps.Clone(ev.Statistic)})
}

// OnServerExited posts on_server_exited.
func (h *Hook) OnServerExited(ctx context.Context, _ *hook.ServerExitedEvent) {
	h.observe(ctx, h.settings.Load(), "on_server_exited", "", struct{}{})
}

// OnSendRTPStopped posts on_send_rtp_stopped.
func (h *Hook) OnSendRTPStopped(ctx context.Context, ev *hook.SendRTPStoppedEvent) {
	h.observe(ctx, h.settings.Load(), "on_send_rtp_stopped", ev.Stream.VHost, sendRTPBody{
		Tuple: zlmjson.NewTuple(ev.Stream, ev.Params), SSRC: ev.SSRC, OriginType: int(ev.Origin),
		OriginTypeStr: ev.Origin.String(), OriginURL: ev.OriginURL, Msg: ev.Msg, Err: ev.Err,
	})
}

// OnRTPServerTimeout posts on_rtp_server_timeout.
func (h *Hook) OnRTPServerTimeout(ctx context.Context, ev *hook.RTPServerTimeoutEvent) {
	h.observe(ctx, h.settings.Load(), "on_rtp_server_timeout", ev.Stream.VHost, rtpTimeoutBody{
		VHost: ev.Stream.VHost, App: ev.Stream.App, StreamID: ev.StreamID, LocalPort: ev.LocalPort,
		TCPMode: ev.TCPMode, ReusePort: ev.ReusePort, SSRC: ev.SSRC,
	})
}
