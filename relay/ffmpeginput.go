package relay

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-media/sluice/internal/redact"
)

// input is what ffmpeg is given to read: a URL, and what it is told in front of it.
type input struct {
	options []string
	url     string
}

// reads is what ffmpeg may read of a URL of a scheme: no files of this machine, and nothing of another scheme that it could be led to.
func reads(scheme string) string {
	switch scheme {
	case "http", "https":
		return "http,https,httpproxy,tls,tcp,crypto,hls"
	case "rtsp":
		return "rtsp,rtp,rtcp,srtp,udp,tcp,http,https,httpproxy,tls" // tunnels, if the template wants one
	case "rtmp":
		return "rtmp,tcp"
	case "rtmps":
		return "rtmps,tls,httpproxy,tcp"
	case "srt":
		return "srt"
	case "udp", "rtp":
		return "rtp,rtcp,udp"
	}
	return ""
}

// byProxy reports whether ffmpeg connects through the proxy of the relay for a URL of a scheme.
func byProxy(scheme string) bool { return slices.Contains([]string{"http", "https", "rtmps"}, scheme) }

// defaultPort is the port of a scheme; 0 if it has none.
func defaultPort(scheme string) uint16 {
	return map[string]uint16{"http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443}[scheme]
}

// allowSource looks at what ffmpeg is to read. What comes by HTTP, and by TLS, it connects to through the relay, wherever it is led. In other
// URLs an address stands for the name, as ffmpeg would ask for it again. To where a server of RTSP redirects, ffmpeg goes without asking.
func (r *Relay) allowSource(ctx context.Context, source string) (input, error) {
	u, err := url.Parse(source)
	if err != nil || u.Host == "" || reads(u.Scheme) == "" {
		return input{}, fmt.Errorf("%w: ffmpeg reads http, https, rtsp, rtmp, rtmps, srt, udp and rtp URLs, not %.100q", ErrScheme, redact.URL(source))
	}
	if err := onlyURL(source, u); err != nil {
		return input{}, err
	}
	addr, err := r.allowHost(ctx, u)
	if err != nil {
		return input{}, err
	}
	in := input{options: []string{"-protocol_whitelist", reads(u.Scheme)}, url: source}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || byProxy(u.Scheme) {
		return in, nil
	}
	if u.Scheme == "rtmp" { // which tells the server the name
		in.options = append(in.options, "-rtmp_tcurl", "rtmp://"+u.Host+"/"+appOf(u.EscapedPath()))
	}
	pinned := *u
	pinned.Host = net.JoinHostPort(addr.String(), u.Port())
	if u.Port() == "" {
		pinned.Host = strings.TrimSuffix(pinned.Host, ":")
	}
	in.url = pinned.String()
	return in, nil
}

// allowDestination looks at where ffmpeg is to publish. A stream of this server is its own business.
func (r *Relay) allowDestination(ctx context.Context, destination string, u *url.URL, local bool) error {
	if err := onlyURL(destination, u); err != nil || local {
		return err
	}
	_, err := r.allowHost(ctx, u)
	return err
}

// onlyURL refuses what ffmpeg, or a library of it, takes for something else than is meant here: older ones go on with the host behind a #, and
// librtmp takes for options what is behind a space.
func onlyURL(raw string, u *url.URL) error {
	if strings.Contains(raw, "#") || strings.HasPrefix(u.Scheme, "rtmp") && strings.Contains(raw, " ") {
		return fmt.Errorf("%w: a # or a space is not for ffmpeg", ErrScheme)
	}
	return nil
}

// allowHost asks the policy about all that the host of a URL stands for, and returns the first.
func (r *Relay) allowHost(ctx context.Context, u *url.URL) (netip.Addr, error) {
	port := defaultPort(u.Scheme)
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		port = uint16(n)
	}
	addrs, err := r.resolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("relay: %w", err)
	}
	for _, addr := range addrs {
		if err := r.allow(netip.AddrPortFrom(addr, port)); err != nil {
			return netip.Addr{}, err
		}
	}
	if len(addrs) == 0 {
		return netip.Addr{}, fmt.Errorf("%w: %.100q has none", ErrAddress, u.Hostname())
	}
	return addrs[0].Unmap(), nil
}

// appOf is the app that ffmpeg finds in the path of a URL of RTMP: two of its parts if there are three.
func appOf(path string) string {
	parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 3)
	return strings.Join(parts[:max(len(parts)-1, 1)], "/")
}
