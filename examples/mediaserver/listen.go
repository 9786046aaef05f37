package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/sluice-media/sluice/api/config"
)

// listenFunc is net.Listen, or what a test puts in its place.
type listenFunc func(network, addr string) (net.Listener, error)

// listener is an open port with what serves it.
type listener struct {
	net.Listener
	key    string // of its port
	addr   string // what it was asked to listen on
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

// port is one that may be opened, and what serves it.
type port struct {
	key, scheme string
	serve       func(net.Listener) error
	tls         bool
}

func (s *server) ports() []port {
	return []port{
		{"http.port", "http", s.serveHTTP, false},
		{"http.sslport", "https", s.serveHTTPS, true},
		{"rtmp.port", "rtmp", s.rtmp.Serve, false},
		{"rtmp.sslport", "rtmps", s.rtmps.Serve, true},
		{"rtsp.port", "rtsp", s.rtsp.Serve, false},
		{"rtsp.sslport", "rtsps", s.rtsps.Serve, true},
		{"rtp_proxy.port", "rtp", s.serveRTP, false},
		{"shell.port", "telnet", s.shell.Serve, false},
	}
}

// listen opens the ports that are configured, but for those that are open already, which it takes over. It opens all or
// none.
func (s *server) listen(have openPorts) (err error) {
	if err := s.checkPorts(s.cfg, s.tls); err != nil {
		return err
	}
	for _, p := range s.ports() {
		number := s.cfg.Int(p.key)
		if number == 0 {
			continue
		}
		if p.tls && s.tls == nil {
			s.log.Warn("port not opened, there is no certificate: name one with -s", "key", p.key, "port", number)
			continue
		}
		l := listener{key: p.key, addr: address(s.cfg, number), scheme: p.scheme, serve: p.serve}
		if l.Listener = have[p.key]; l.Listener == nil {
			l.Listener, err = s.openPort(p, l.addr)
		}
		if err != nil {
			s.closeListeners()
			return fmt.Errorf("%s: %w%s", p.key, err, hint(err, p.key))
		}
		delete(have, p.key)
		s.listeners = append(s.listeners, l)
	}
	return nil
}

// openPort opens a port where it is to be.
func (s *server) openPort(p port, addr string) (net.Listener, error) {
	if p.key == "rtp_proxy.port" {
		return s.listenRTP(addr)
	}
	return s.open("tcp", addr)
}

// checkPorts refuses a configuration that gives one port to two services, of which the second could not be opened. What
// needs a certificate opens none without.
func (s *server) checkPorts(cfg *config.Config, cert *tls.Config) error {
	taken := s.profilePort(cfg)
	for _, p := range s.ports() {
		number := cfg.Int(p.key)
		if number == 0 || p.tls && cert == nil {
			continue
		}
		if other := taken[number]; other != "" {
			return fmt.Errorf("%s and %s are both %d; set another for one of them (0: off)", other, p.key, number)
		}
		taken[number] = p.key
	}
	return nil
}

// profilePort is the port of -pprof, if it is in the way of others.
func (s *server) profilePort(cfg *config.Config) map[int]string {
	host, text, err := net.SplitHostPort(s.flags.pprof)
	number, bad := strconv.Atoi(text)
	if err != nil || bad != nil {
		return map[int]string{}
	}
	all := func(host string) bool {
		addr, err := netip.ParseAddr(host)
		return host == "" || err == nil && addr.IsUnspecified()
	}
	if listen := cfg.String("general.listen_ip"); all(listen) || all(host) || listen == host {
		return map[int]string{number: "-pprof"}
	}
	return map[int]string{}
}

// serveHTTP counts the connections of HTTP with those of the other protocols.
func (s *server) serveHTTP(ln net.Listener) error { return s.http.Serve(s.media.Limit(ln)) }

func (s *server) serveHTTPS(ln net.Listener) error { return s.http.ServeTLS(s.media.Limit(ln), "", "") }

// address is what to listen on. All addresses of both families are "", which also works where there is no IPv6.
func address(cfg *config.Config, port int) string {
	host := cfg.String("general.listen_ip")
	if host == "::" {
		host = ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// hint says what the user can do about an error of listen.
func hint(err error, key string) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return ": another program has this port; end it, or set another " + key + " (0: off)"
	case errors.Is(err, syscall.EACCES):
		return ": ports below 1024 need rights; set another " + key + " (0: off)"
	}
	return ""
}

func (s *server) closeListeners() {
	for _, l := range s.listeners {
		l.Close()
	}
}

// loadTLS reads the certificate and its key, both from one PEM file. Without a file there is no TLS.
func loadTLS(path string) (*tls.Config, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no TLS is no mistake
	}
	cert, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		return nil, fmt.Errorf("-s %s: %w", path, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// httpTLS is what HTTPS makes of a certificate. It names HTTP/2, since an http.Server that serves a port without TLS first
// sets HTTP/2 up only if it is named, and then offers it behind TLS all the same, and hangs up on whoever takes it.
func httpTLS(cert *tls.Config) *tls.Config {
	if cert == nil {
		return nil
	}
	cert = cert.Clone() // RTMP and RTSP do not speak HTTP
	cert.NextProtos = []string{"h2", "http/1.1"}
	return cert
}
