package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/api/shell"
	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/hook/httphook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/still"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/relay"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtsp"
	"github.com/sluice-media/sluice/web"
)

// stopTime is how long an orderly end may take; players that do not read are cut off then.
const stopTime = 8 * time.Second

// How long a client of HTTP may take to send a request, and to read a reply that is no stream.
const (
	requestTime = 15 * time.Second
	replyTime   = time.Minute
)

// server is all parts of the media server, wired together.
type server struct {
	cfg       *config.Config // as it was at the start
	applied   *config.Config // as it is; the store guards it
	store     *config.Store
	log       *slog.Logger
	tls       *tls.Config // nil without a certificate
	media     *media.Server
	hook      *httphook.Hook
	api       *api.Handler
	flags     flags
	open      listenFunc
	rtmp      *rtmp.Server
	rtmps     *rtmp.Server
	rtsp      *rtsp.Server
	rtsps     *rtsp.Server
	shell     *shell.Server
	streams   *web.Handler
	recorder  *record.Recorder
	relay     *relay.Relay
	rtp       *gb28181.Server
	pictures  still.Sharing // being sent by the page
	files     *web.Files
	http      *http.Server
	profiles  *http.Server // nil without -pprof
	listeners []listener

	restart    chan struct{} // closed when the server is to restart
	restarting sync.Mutex    // guards next
	next       *successor    // after the restart; nil before one was asked for
}

// newServer wires the parts. The file of cfg, if it has one, is written when the API changes it.
func newServer(cfg *config.Config, f flags, open listenFunc, cert *tls.Config, log *slog.Logger) (*server, error) {
	s := &server{cfg: cfg, applied: cfg, flags: f, open: open, log: log, tls: cert, restart: make(chan struct{})}
	s.store = config.NewStore(cfg, f.file(), s.apply)
	if err := s.newCore(); err != nil {
		return nil, err
	}
	if err := s.newProtocols(); err != nil {
		return nil, errors.Join(err, s.media.Close()) // with all that belongs to it
	}
	s.http = &http.Server{
		Handler: s.api, TLSConfig: httpTLS(cert), MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: requestTime, WriteTimeout: replyTime, // streams take them off
		IdleTimeout: cfg.Duration("http.keepAliveSecond"),
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// mediaConfig is the part of the configuration that the core acts on.
func mediaConfig(cfg *config.Config, log *slog.Logger) media.Config {
	m := media.Config{
		Logger:          log,
		PlayWait:        orNever(cfg.Duration("general.maxStreamWaitMS")),
		NoneReaderDelay: max(cfg.Duration("general.streamNoneReaderDelayMS"), time.Millisecond),
		FlowThreshold:   uint64(cfg.Int("general.flowThreshold")) << 10,
		MergeWrite:      cfg.Duration("general.mergeWriteMS"),
		HookTimeout:     hookConfig(cfg, log).MaxWait() + time.Second, // it says itself what went wrong
		Options:         options(cfg),
	}
	limitConnections(&m, cfg)
	return m
}

// newCore makes the media server and what decides for it.
func (s *server) newCore() (err error) {
	if s.hook, err = httphook.New(hookConfig(s.cfg, s.log)); err != nil {
		return err
	}
	cfg := mediaConfig(s.cfg, s.log)
	cfg.Hooks = []hook.Hook{s.hook}
	s.media, err = media.New(cfg)
	return err
}

// recordConfig is the part of the configuration that recordings are made by.
func recordConfig(cfg *config.Config) record.Config {
	return record.Config{
		Dir: cfg.String("protocol.mp4_save_path"), App: cfg.String("record.appName"),
		SegmentDuration: min(cfg.Duration("hls.segDur"), 10*time.Second), KeepHLS: cfg.Bool("hls.segKeep") || cfg.Int("hls.segNum") == 0,
		Fragmented: cfg.Bool("record.enableFmp4"), Repeat: cfg.Bool("record.fileRepeat"),
	}
}

// newProtocols makes the servers of RTMP and RTSP, plain and with TLS, and what HTTP serves.
func (s *server) newProtocols() (err error) {
	if s.recorder, err = record.New(s.media, recordConfig(s.cfg)); err != nil {
		return err
	}
	if s.relay, err = relay.New(s.media, s.relayConfig(s.cfg)); err != nil {
		return err
	}
	rtpCfg, err := rtpConfig(s.cfg)
	if err != nil {
		return err
	}
	if s.rtp, err = gb28181.NewServer(s.media, rtpCfg); err != nil {
		return err
	}
	if err := s.beEdge(); err != nil {
		return err
	}
	files, err := filesConfig(s.cfg, s.recorder.Library())
	if err != nil {
		return err
	}
	if s.files, err = web.NewFiles(s.media, files); err != nil {
		return err
	}
	if s.streams, err = web.NewHandler(s.media, s.webConfig(s.cfg)); err != nil {
		return err
	}
	if s.api, err = api.NewHandler(s.media, s.apiOptions(s.cfg)); err != nil {
		return err
	}
	rtspCfg, err := rtspConfig(s.cfg)
	if err != nil {
		return err
	}
	rtmpCfg := rtmpConfig(s.cfg)
	if s.rtmp, err = rtmp.NewServer(s.media, rtmpCfg); err != nil {
		return err
	}
	if s.rtsp, err = rtsp.NewServer(s.media, rtspCfg); err != nil {
		return err
	}
	rtmpCfg.TLSConfig, rtspCfg.TLSConfig = s.tls, s.tls
	if s.rtmps, err = rtmp.NewServer(s.media, rtmpCfg); err != nil {
		return err
	}
	if s.rtsps, err = rtsp.NewServer(s.media, rtspCfg); err != nil {
		return err
	}
	s.shell, err = shell.NewServer(s.media, shellConfig(s.cfg))
	return err
}

func rtmpConfig(cfg *config.Config) rtmp.Config {
	return rtmp.Config{
		HandshakeTimeout: min(max(cfg.Duration("rtmp.handshakeSecond"), time.Second), 10*time.Second),
		IdleTimeout:      cfg.Duration("rtmp.keepAliveSecond"),
		EnableVHost:      cfg.Bool("general.enableVhost"),
		LegacyCodecs:     !cfg.Bool("rtmp.enhanced"),
	}
}

func (s *server) webConfig(cfg *config.Config) web.Config {
	return web.Config{
		EnableVHost:       cfg.Bool("general.enableVhost"),
		LegacyCodecs:      !cfg.Bool("rtmp.enhanced"),
		AllowOrigins:      allowedOrigins(cfg),
		ForwardedIPHeader: cfg.String("http.forwarded_ip_header"),
		TrustedProxy:      trustedProxy(cfg),
		NotFoundPage:      cfg.String("http.notFound"),
		NotFound:          s.page(),
		HLS:               hlsConfig(cfg),
	}
}

func hlsConfig(cfg *config.Config) web.HLSConfig {
	c := web.HLSConfig{
		SegmentDuration: cfg.Duration("hls.segDur"), Segments: cfg.Int("hls.segNum"), Retain: cfg.Int("hls.segRetain"),
		Delay: cfg.Int("hls.segDelay"), KeepEnded: cfg.Duration("hls.deleteDelaySec"),
		FastRegister: cfg.Bool("hls.fastRegister"), PartDuration: cfg.Duration("hls.partDur"),
		FMP4Suffix: cfg.String("hls.fmp4SegExt"),
	}
	if c.Segments == 0 {
		c.Segments = -1 // all
	}
	if c.PartDuration == 0 {
		c.PartDuration = -1 // none
	}
	return c
}

func rtspConfig(cfg *config.Config) (rtsp.Config, error) {
	plain := rtsp.Config{
		HandshakeTimeout: max(cfg.Duration("rtsp.handshakeSecond"), time.Second),
		IdleTimeout:      cfg.Duration("rtsp.keepAliveSecond"),
		EnableVHost:      cfg.Bool("general.enableVhost"),
		BasicAuth:        cfg.Bool("rtsp.authBasic"),
		Transport:        rtsp.Transport(cfg.Int("rtsp.rtpTransportType") + 1),
		MaxPayload:       cfg.Int("rtp.videoMtuSize"),
		MulticastTTL:     cfg.Int("multicast.udpTTL"),
	}
	var err error
	if plain.PortRange, err = portRange(cfg); err != nil {
		return plain, err
	}
	for i, key := range []string{"multicast.addrMin", "multicast.addrMax"} {
		if plain.MulticastRange[i], err = netip.ParseAddr(cfg.String(key)); err != nil {
			return plain, fmt.Errorf("%s: %w", key, err)
		}
	}
	return plain, nil
}

// orNever is a time to wait of which 0 means not at all, as the media server takes it.
func orNever(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// options are the defaults of streams.
func options(cfg *config.Config) hook.StreamOptions {
	flag := func(key string) *bool { return new(cfg.Bool("protocol." + key)) }
	return hook.StreamOptions{
		ModifyStamp:    new(cfg.Int("protocol.modify_stamp")),
		EnableAudio:    flag("enable_audio"),
		AddMuteAudio:   flag("add_mute_audio"),
		AutoClose:      flag("auto_close"),
		ContinuePush:   new(cfg.Duration("protocol.continue_push_ms")),
		PacedSender:    new(cfg.Duration("protocol.paced_sender_ms")),
		EnableHLS:      flag("enable_hls"),
		EnableHLSFMP4:  flag("enable_hls_fmp4"),
		EnableMP4:      flag("enable_mp4"),
		EnableRTSP:     flag("enable_rtsp"),
		EnableRTMP:     flag("enable_rtmp"),
		EnableTS:       flag("enable_ts"),
		EnableFMP4:     flag("enable_fmp4"),
		HLSDemand:      flag("hls_demand"),
		RTSPDemand:     flag("rtsp_demand"),
		RTMPDemand:     flag("rtmp_demand"),
		TSDemand:       flag("ts_demand"),
		FMP4Demand:     flag("fmp4_demand"),
		MP4MaxDuration: new(cfg.Duration("protocol.mp4_max_second")),
		MP4AsPlayer:    flag("mp4_as_player"),
		MP4SavePath:    new(cfg.String("protocol.mp4_save_path")),
		HLSSavePath:    new(cfg.String("protocol.hls_save_path")),
	}
}

// serve runs until ctx ends or a part fails, and then ends all in order.
func (s *server) serve(ctx context.Context, demo bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	for _, l := range s.listeners {
		parts.Go(func() { cancel(l.serve(l.Listener)) })
	}
	if demo {
		parts.Go(func() {
			if err := s.publishDemo(ctx); err != nil && ctx.Err() == nil { // such as when a hook refuses it
				s.log.ErrorContext(ctx, "the demonstration has ended", "err", err)
			}
		})
	}
	parts.Go(func() { cancel(s.awaitRestart(ctx)) })
	parts.Go(func() { s.keepAlive(ctx) })
	parts.Go(func() { giveBack(ctx) })
	s.media.Started(s.cfg.All())
	<-ctx.Done()
	cause := context.Cause(ctx)
	s.log.Info("ending", "cause", cause, "within", stopTime)
	err := s.stop(context.WithoutCancel(ctx))
	parts.Wait()
	if !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// stop ends all parts in order, or hard when the time is over.
func (s *server) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if s.profiles != nil {
		defer s.profiles.Close()
	}
	s.stopRecorder(ctx)
	err := errors.Join(s.media.Shutdown(ctx), s.http.Shutdown(ctx), s.hook.Shutdown(ctx))
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.log.Warn("clients that took too long were cut off")
	return s.http.Close()
}

// stopRecorder ends recordings, before the core: their observers are told through that. Half of the time is for it.
func (s *server) stopRecorder(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopTime/2)
	defer cancel()
	if err := s.recorder.Shutdown(ctx); err != nil {
		s.log.WarnContext(ctx, "recordings that could not be finished in time are at the next start", "err", err)
	}
}

// publishDemo plays the bundled clip to live/demo.
func (s *server) publishDemo(ctx context.Context) error {
	c, err := clip.Load(bytes.NewReader(testmedia.Demo()))
	if err != nil {
		return err
	}
	pub, err := s.media.Publish(ctx, media.PublishRequest{
		Stream: media.StreamKey{App: "live", Name: "demo"}, Schema: "rtmp", OriginURL: "demo",
	})
	if err != nil {
		return err
	}
	defer pub.Close(nil)
	return c.Play(ctx, pub)
}
