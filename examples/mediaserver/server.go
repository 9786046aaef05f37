package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/web"
)

// stopTime is how long an orderly end may take.
const stopTime = 10 * time.Second

// server is all parts of the media server, wired together.
type server struct {
	cfg       *config.Config
	log       *slog.Logger
	media     *media.Server
	rtmp      *rtmp.Server
	http      *http.Server
	listeners []listener
}

type listener struct {
	net.Listener
	scheme string
	serve  func(net.Listener) error
}

// host is the address for URLs: that of this machine if it listens on all.
func (l listener) host() string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return l.Addr().String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func newServer(cfg *config.Config, log *slog.Logger) (*server, error) {
	m, err := media.New(media.Config{
		Logger:          log,
		PlayWait:        orNever(cfg.Duration("general.maxStreamWaitMS")),
		NoneReaderDelay: max(cfg.Duration("general.streamNoneReaderDelayMS"), time.Millisecond),
		FlowThreshold:   uint64(cfg.Int("general.flowThreshold")) << 10,
		MergeWrite:      cfg.Duration("general.mergeWriteMS"),
		HookTimeout:     cfg.Duration("hook.timeoutSec"),
		Options:         options(cfg),
	})
	if err != nil {
		return nil, err
	}
	s := &server{cfg: cfg, log: log, media: m}
	s.rtmp, err = rtmp.NewServer(m, rtmp.Config{
		HandshakeTimeout: min(max(cfg.Duration("rtmp.handshakeSecond"), time.Second), 10*time.Second),
		IdleTimeout:      cfg.Duration("rtmp.keepAliveSecond"),
		EnableVHost:      cfg.Bool("general.enableVhost"),
		LegacyCodecs:     !cfg.Bool("rtmp.enhanced"),
	})
	if err != nil {
		return nil, err
	}
	streams, err := web.NewHandler(m, web.Config{
		EnableVHost:       cfg.Bool("general.enableVhost"),
		LegacyCodecs:      !cfg.Bool("rtmp.enhanced"),
		NoCORS:            !cfg.Bool("http.allow_cross_domains"),
		ForwardedIPHeader: cfg.String("http.forwarded_ip_header"),
		NotFound:          s.page(),
	})
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler: streams, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		IdleTimeout: cfg.Duration("http.keepAliveSecond"),
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
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

// listen opens the ports that are configured. It opens all or none.
func (s *server) listen() error {
	for _, l := range []listener{
		{scheme: "http", serve: s.http.Serve},
		{scheme: "rtmp", serve: s.rtmp.Serve},
	} {
		port := s.cfg.Int(l.scheme + ".port")
		if port == 0 {
			continue
		}
		addr := net.JoinHostPort(s.cfg.String("general.listen_ip"), strconv.Itoa(port))
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			for _, open := range s.listeners {
				open.Close()
			}
			return fmt.Errorf("%s.port: %w", l.scheme, err)
		}
		l.Listener = ln
		s.listeners = append(s.listeners, l)
	}
	return nil
}

// serve runs until ctx ends or a part fails, and then ends all in order.
func (s *server) serve(ctx context.Context, demo bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, l := range s.listeners {
		go func() { cancel(l.serve(l.Listener)) }()
	}
	if demo {
		go func() {
			if err := s.publishDemo(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("demo: %w", err))
			}
		}()
	}
	<-ctx.Done()
	s.log.Info("ending", "within", stopTime)
	stop, end := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer end()
	err := errors.Join(s.media.Shutdown(stop), s.http.Shutdown(stop))
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
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
