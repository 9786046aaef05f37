package hook

import "context"

// Funcs is a hook of plain functions, one field for each interface of this package; a nil field implements
// nothing. See the interfaces for what each decides or is told.
type Funcs struct {
	OnPublish          func(context.Context, *PublishEvent) (PublishReply, error)
	OnPlay             func(context.Context, *PlayEvent) error
	OnStreamNotFound   func(context.Context, *PlayEvent) (bool, error)
	OnStreamNoneReader func(context.Context, *StreamEvent) (bool, error)
	OnRTSPRealm        func(context.Context, *RTSPRealmEvent) (string, error)
	OnRTSPAuth         func(context.Context, *RTSPAuthEvent) (RTSPAuthReply, error)
	OnHTTPAccess       func(context.Context, *HTTPAccessEvent) (HTTPAccessReply, error)
	OnShellLogin       func(context.Context, *ShellLoginEvent) error

	OnStreamChanged    func(context.Context, *StreamChangedEvent)
	OnFlowReport       func(context.Context, *FlowReportEvent)
	OnRecordMP4        func(context.Context, *RecordEvent)
	OnRecordTS         func(context.Context, *RecordEvent)
	OnServerStarted    func(context.Context, *ServerStartedEvent)
	OnServerKeepalive  func(context.Context, *ServerKeepaliveEvent)
	OnServerExited     func(context.Context, *ServerExitedEvent)
	OnSendRTPStopped   func(context.Context, *SendRTPStoppedEvent)
	OnRTPServerTimeout func(context.Context, *RTPServerTimeoutEvent)
}

var _ Multi = Funcs{}

// Hooks implements [Multi].
func (f Funcs) Hooks() []Hook {
	var hooks []Hook
	hooks = add(hooks, f.OnPublish != nil, publishFunc(f.OnPublish))
	hooks = add(hooks, f.OnPlay != nil, playFunc(f.OnPlay))
	hooks = add(hooks, f.OnStreamNotFound != nil, streamNotFoundFunc(f.OnStreamNotFound))
	hooks = add(hooks, f.OnStreamNoneReader != nil, streamNoneReaderFunc(f.OnStreamNoneReader))
	hooks = add(hooks, f.OnRTSPRealm != nil, rtspRealmFunc(f.OnRTSPRealm))
	hooks = add(hooks, f.OnRTSPAuth != nil, rtspAuthFunc(f.OnRTSPAuth))
	hooks = add(hooks, f.OnHTTPAccess != nil, httpAccessFunc(f.OnHTTPAccess))
	hooks = add(hooks, f.OnShellLogin != nil, shellLoginFunc(f.OnShellLogin))
	hooks = add(hooks, f.OnStreamChanged != nil, streamChangedFunc(f.OnStreamChanged))
	hooks = add(hooks, f.OnFlowReport != nil, flowReportFunc(f.OnFlowReport))
	hooks = add(hooks, f.OnRecordMP4 != nil, recordMP4Func(f.OnRecordMP4))
	hooks = add(hooks, f.OnRecordTS != nil, recordTSFunc(f.OnRecordTS))
	hooks = add(hooks, f.OnServerStarted != nil, serverStartedFunc(f.OnServerStarted))
	hooks = add(hooks, f.OnServerKeepalive != nil, serverKeepaliveFunc(f.OnServerKeepalive))
	hooks = add(hooks, f.OnServerExited != nil, serverExitedFunc(f.OnServerExited))
	hooks = add(hooks, f.OnSendRTPStopped != nil, sendRTPStoppedFunc(f.OnSendRTPStopped))
	hooks = add(hooks, f.OnRTPServerTimeout != nil, rtpServerTimeoutFunc(f.OnRTPServerTimeout))
	return hooks
}

func add(hooks []Hook, set bool, h Hook) []Hook {
	if !set {
		return hooks
	}
	return append(hooks, h)
}

// Each function is a hook of its own, so that what is not set is not asked.
type (
	publishFunc          func(context.Context, *PublishEvent) (PublishReply, error)
	playFunc             func(context.Context, *PlayEvent) error
	streamNotFoundFunc   func(context.Context, *PlayEvent) (bool, error)
	streamNoneReaderFunc func(context.Context, *StreamEvent) (bool, error)
	rtspRealmFunc        func(context.Context, *RTSPRealmEvent) (string, error)
	rtspAuthFunc         func(context.Context, *RTSPAuthEvent) (RTSPAuthReply, error)
	httpAccessFunc       func(context.Context, *HTTPAccessEvent) (HTTPAccessReply, error)
	shellLoginFunc       func(context.Context, *ShellLoginEvent) error
	streamChangedFunc    func(context.Context, *StreamChangedEvent)
	flowReportFunc       func(context.Context, *FlowReportEvent)
	recordMP4Func        func(context.Context, *RecordEvent)
	recordTSFunc         func(context.Context, *RecordEvent)
	serverStartedFunc    func(context.Context, *ServerStartedEvent)
	serverKeepaliveFunc  func(context.Context, *ServerKeepaliveEvent)
	serverExitedFunc     func(context.Context, *ServerExitedEvent)
	sendRTPStoppedFunc   func(context.Context, *SendRTPStoppedEvent)
	rtpServerTimeoutFunc func(context.Context, *RTPServerTimeoutEvent)
)

var (
	_ PublishHook          = publishFunc(nil)
	_ PlayHook             = playFunc(nil)
	_ StreamNotFoundHook   = streamNotFoundFunc(nil)
	_ StreamNoneReaderHook = streamNoneReaderFunc(nil)
	_ RTSPRealmHook        = rtspRealmFunc(nil)
	_ RTSPAuthHook         = rtspAuthFunc(nil)
	_ HTTPAccessHook       = httpAccessFunc(nil)
	_ ShellLoginHook       = shellLoginFunc(nil)
	_ StreamChangedHook    = streamChangedFunc(nil)
	_ FlowReportHook       = flowReportFunc(nil)
	_ RecordMP4Hook        = recordMP4Func(nil)
	_ RecordTSHook         = recordTSFunc(nil)
	_ ServerStartedHook    = serverStartedFunc(nil)
	_ ServerKeepaliveHook  = serverKeepaliveFunc(nil)
	_ ServerExitedHook     = serverExitedFunc(nil)
	_ SendRTPStoppedHook   = sendRTPStoppedFunc(nil)
	_ RTPServerTimeoutHook = rtpServerTimeoutFunc(nil)
)

func (f publishFunc) OnPublish(ctx context.Context, ev *PublishEvent) (PublishReply, error) {
	return f(ctx, ev)
}

func (f playFunc) OnPlay(ctx context.Context, ev *PlayEvent) error {
	return f(ctx, ev)
}

func (f streamNotFoundFunc) OnStreamNotFound(ctx context.Context, ev *PlayEvent) (bool, error) {
	return f(ctx, ev)
}

func (f streamNoneReaderFunc) OnStreamNoneReader(ctx context.Context, ev *StreamEvent) (bool, error) {
	return f(ctx, ev)
}

func (f rtspRealmFunc) OnRTSPRealm(ctx context.Context, ev *RTSPRealmEvent) (string, error) {
	return f(ctx, ev)
}

func (f rtspAuthFunc) OnRTSPAuth(ctx context.Context, ev *RTSPAuthEvent) (RTSPAuthReply, error) {
	return f(ctx, ev)
}

func (f httpAccessFunc) OnHTTPAccess(ctx context.Context, ev *HTTPAccessEvent) (HTTPAccessReply, error) {
	return f(ctx, ev)
}

func (f shellLoginFunc) OnShellLogin(ctx context.Context, ev *ShellLoginEvent) error {
	return f(ctx, ev)
}

func (f streamChangedFunc) OnStreamChanged(ctx context.Context, ev *StreamChangedEvent) { f(ctx, ev) }

func (f flowReportFunc) OnFlowReport(ctx context.Context, ev *FlowReportEvent) { f(ctx, ev) }

func (f recordMP4Func) OnRecordMP4(ctx context.Context, ev *RecordEvent) { f(ctx, ev) }

func (f recordTSFunc) OnRecordTS(ctx context.Context, ev *RecordEvent) { f(ctx, ev) }

func (f serverStartedFunc) OnServerStarted(ctx context.Context, ev *ServerStartedEvent) { f(ctx, ev) }

func (f serverKeepaliveFunc) OnServerKeepalive(ctx context.Context, ev *ServerKeepaliveEvent) {
	f(ctx, ev)
}

func (f serverExitedFunc) OnServerExited(ctx context.Context, ev *ServerExitedEvent) { f(ctx, ev) }

func (f sendRTPStoppedFunc) OnSendRTPStopped(ctx context.Context, ev *SendRTPStoppedEvent) {
	f(ctx, ev)
}

func (f rtpServerTimeoutFunc) OnRTPServerTimeout(ctx context.Context, ev *RTPServerTimeoutEvent) {
	f(ctx, ev)
}
