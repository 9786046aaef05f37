package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/internal/acceptor"
)

// rtpConfig is the part of the configuration that RTP of GB/T 28181 is received and sent by.
func rtpConfig(cfg *config.Config) (c gb28181.Config, err error) {
	c = gb28181.Config{
		Timeout: cfg.Duration("rtp_proxy.timeoutSec"), ReadBuffer: cfg.Int("rtp_proxy.udp_recv_socket_buffer"),
		MaxPayload: cfg.Int("rtp.videoMtuSize"), G711Duration: cfg.Duration("rtp_proxy.rtp_g711_dur_ms"),
		PayloadTypes: gb28181.PayloadTypes{
			H264: uint8(cfg.Int("rtp_proxy.h264_pt")), H265: uint8(cfg.Int("rtp_proxy.h265_pt")), Opus: uint8(cfg.Int("rtp_proxy.opus_pt")),
		},
	}
	if c.PortRange, err = portRange(cfg); err != nil {
		return c, err
	}
	if host, _, _ := net.SplitHostPort(address(cfg, 0)); host != "" {
		if c.LocalIP, err = netip.ParseAddr(host); err != nil {
			return c, fmt.Errorf("general.listen_ip: %w", err)
		}
	}
	return c, nil
}

// portRange is where ports of RTP are taken from.
func portRange(cfg *config.Config) (span [2]int, err error) {
	first, last, _ := strings.Cut(cfg.String("rtp_proxy.port_range"), "-")
	for i, text := range []string{first, last} {
		if span[i], err = strconv.Atoi(strings.TrimSpace(text)); err != nil {
			return span, fmt.Errorf("rtp_proxy.port_range: %w", err)
		}
	}
	return span, nil
}

// rtpListener is the port that all senders of RTP may send to: TCP, and UDP of the same number.
type rtpListener struct {
	net.Listener
	packets *net.UDPConn
}

// listenRTP opens it. A port that was not asked for, and that only TCP has free, is tried again.
func (s *server) listenRTP(addr string) (net.Listener, error) {
	const tries = 20
	var failed error
	for range tries {
		ln, err := s.open("tcp", addr)
		if err != nil {
			return nil, err
		}
		at := acceptor.Address(ln.Addr())
		packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err == nil {
			return &rtpListener{ln, packets}, nil
		}
		ln.Close()
		if failed = err; strings.HasSuffix(addr, ":"+strconv.Itoa(int(at.Port()))) {
			break
		}
	}
	return nil, failed
}

// Close closes both.
func (l *rtpListener) Close() error { return errors.Join(l.Listener.Close(), l.packets.Close()) }

// share returns another of the same port.
func (l *rtpListener) share() (net.Listener, error) {
	ln, err := shareListener(l.Listener)
	if err != nil {
		return nil, err
	}
	f, err := l.packets.File()
	if err != nil {
		ln.Close()
		return nil, err
	}
	defer f.Close()
	packets, err := net.FilePacketConn(f)
	if err != nil {
		ln.Close()
		return nil, err
	}
	udp, ok := packets.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(os.ErrInvalid, ln.Close(), packets.Close())
	}
	return &rtpListener{ln, udp}, nil
}

// serveRTP serves the port of all senders.
func (s *server) serveRTP(ln net.Listener) error {
	if l, ok := ln.(*rtpListener); ok {
		return s.rtp.Serve(l.Listener, l.packets)
	}
	return s.rtp.Serve(ln, nil)
}
