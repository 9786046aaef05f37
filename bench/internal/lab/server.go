package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startLimit = 15 * time.Second
	startPoll  = 500 * time.Microsecond
	startTries = 5
	streamPath = "/live/bench"
)

// Server is a running media server.
type Server struct {
	proc             *process
	rtmp, http, rtsp string // addresses
	// Start is how long it took from the start of the process until its ports accepted.
	Start time.Duration
}

// Settings are what of a server's configuration differs from measurement to measurement.
type Settings struct {
	// Merge is general.mergeWriteMS.
	Merge time.Duration
	// Record is where all streams are recorded as MP4; nowhere if it is empty.
	Record string
	// Origin is what missing streams are pulled from, with two places for app and stream; nowhere if it is empty.
	Origin string
	// FFmpeg is the program that snapshots are made with; the one of the system if it is empty.
	FFmpeg string
}

// StartServer runs a media server with a configuration of its own in dir and returns when its ports accept. A
// "{config}" in command is replaced by the configuration's path; without one, "-c path" is added.
func StartServer(ctx context.Context, dir string, command []string, set Settings) (s *Server, err error) {
	for range startTries {
		if s, err = startServer(ctx, dir, command, set); err == nil || !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			break // else somebody has taken one of the free ports meanwhile
		}
	}
	return s, err
}

func startServer(ctx context.Context, dir string, command []string, set Settings) (*Server, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.ini")
	if err := os.WriteFile(config, settings(ports[0], ports[1], ports[2], set), 0o600); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	s := &Server{rtmp: local(ports[0]), http: local(ports[1]), rtsp: local(ports[2])}
	began := time.Now()
	if s.proc, err = start(ctx, dir, withConfig(command, config)...); err != nil {
		return nil, err
	}
	for _, addr := range []string{s.rtmp, s.http, s.rtsp} {
		if err := s.proc.accepts(ctx, addr, began.Add(startLimit)); err != nil {
			s.Stop()
			return nil, err
		}
	}
	s.Start = time.Since(began)
	return s, nil
}

func withConfig(command []string, path string) []string {
	args := make([]string, 0, len(command)+2)
	found := false
	for _, a := range command {
		found = found || strings.Contains(a, "{config}")
		args = append(args, strings.ReplaceAll(a, "{config}", path))
	}
	if !found {
		args = append(args, "-c", path)
	}
	return args
}

// settings is a config.ini with only the protocols that are measured.
func settings(rtmp, http, rtsp int, set Settings) []byte {
	record, ffmpeg := "", ""
	if set.FFmpeg != "" {
		ffmpeg = fmt.Sprintf("[ffmpeg]\nbin=%s\n", set.FFmpeg)
	}
	if set.Record != "" {
		record = fmt.Sprintf("enable_mp4=1\nmp4_max_second=60\nmp4_save_path=%s\n", set.Record)
	}
	return fmt.Appendf(nil, `[http]
port=%d
sslport=0
[rtmp]
port=%d
sslport=0
[rtsp]
port=%d
sslport=0
[shell]
port=0
[rtp_proxy]
port=0
[protocol]
enable_hls_fmp4=1
%s[cluster]
origin_url=%s
[general]
mergeWriteMS=%d
%s`, http, rtmp, rtsp, record, set.Origin, set.Merge.Milliseconds(), ffmpeg)
}

// accepts waits until somebody listens at addr.
func (p *process) accepts(ctx context.Context, addr string, deadline time.Time) error {
	var dialer net.Dialer
	for {
		c, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		if dead := p.alive(); dead != nil {
			return dead
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("lab: %s does not accept: %w\n%s", addr, err, p.tail())
		}
		if err := Sleep(ctx, startPoll); err != nil {
			return err
		}
	}
}

// PID returns the server's process id.
func (s *Server) PID() int { return s.proc.pid() }

// Alive returns an error when the server has ended by itself.
func (s *Server) Alive() error { return s.proc.alive() }

// Stop ends the server and waits for it.
func (s *Server) Stop() { s.proc.stop() }

// OriginURL returns where an edge pulls what is published here.
func (s *Server) OriginURL() string { return "rtsp://" + s.rtsp + "/%s/%s" }

// PublishURL returns where the clip is published.
func (s *Server) PublishURL() string { return "rtmp://" + s.rtmp + streamPath }

// Addresses returns where the server listens, and the path of the published stream.
func (s *Server) Addresses() (rtmp, http, rtsp, path string) {
	return s.rtmp, s.http, s.rtsp, streamPath
}

// PlayURL returns where the published stream is played by proto: "rtmp", "flv", "ts", "fmp4", "hls", "ll-hls", "ws",
// "rtsp", "rtsp-udp", or "rtp", which is asked for at the API.
func (s *Server) PlayURL(proto string) (string, error) {
	switch proto {
	case "rtmp":
		return s.PublishURL(), nil
	case "flv":
		return "http://" + s.http + streamPath + ".live.flv", nil
	case "ts":
		return "http://" + s.http + streamPath + ".live.ts", nil
	case "fmp4":
		return "http://" + s.http + streamPath + ".live.mp4", nil
	case "hls":
		return "http://" + s.http + streamPath + "/hls.m3u8", nil
	case "ll-hls":
		return "http://" + s.http + streamPath + "/hls.fmp4.m3u8", nil
	case "ws":
		return "ws://" + s.http + streamPath + ".live.flv", nil
	case "rtp":
		return "http://" + s.http + "/index/api/startSendRtp?vhost=__defaultVhost__&app=live&stream=" + streamPath[len("/live/"):] + "&type=1", nil
	case "rtsp", "rtsp-udp":
		return "rtsp://" + s.rtsp + streamPath, nil
	}
	return "", fmt.Errorf("lab: unknown protocol %q", proto)
}

// freePorts returns n ports that nobody has, at whatever address of this machine.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", ":0") //nolint:gosec // as the server does
		if err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
		defer l.Close() // all are held until the last is found, so that no two are the same
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return nil, errors.New("lab: no TCP address")
		}
		ports = append(ports, addr.Port)
	}
	return ports, nil
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
