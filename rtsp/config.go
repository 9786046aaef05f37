package rtsp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// ErrServerClosed is returned by Serve and the like once Shutdown or Close has begun.
var ErrServerClosed = errors.New("rtsp: server closed")

// Transport is how RTP travels.
type Transport int

// The transports a server can insist on.
const (
	AnyTransport Transport = iota // what the client asks for
	TCP                           // interleaved with RTSP
	UDP
	Multicast // players only
)

// Config of a [Server]. The zero value works.
type Config struct {
	// TLSConfig makes the server speak RTSPS, with media interleaved only: UDP would not be secret.
	TLSConfig *tls.Config
	// HandshakeTimeout bounds the time from the connection to its PLAY or RECORD. 0 means 15 s.
	HandshakeTimeout time.Duration
	// IdleTimeout ends a publisher that sends no media for so long. 0 means 15 s.
	IdleTimeout time.Duration
	// SessionTimeout ends a UDP player of which neither a request nor RTCP was heard for so long. Clients are
	// told of it. 0 means 60 s.
	SessionTimeout time.Duration
	// WriteTimeout bounds a reply to a client that does not read. 0 means 10 s.
	WriteTimeout time.Duration
	// EnableVHost takes the virtual host from the client's URL. Without it every stream is of the default one.
	EnableVHost bool
	// BasicAuth challenges with Basic instead of Digest authentication (RFC 2617).
	BasicAuth bool
	// Transport, when not AnyTransport, refuses all others with 461.
	Transport Transport
	// CatchUp is how many times as fast as it was made a GStreamer player gets what there is since the newest key frame,
	// until it has caught up. Its jitter buffer takes a burst for a clock that runs too fast, and gives pictures the same
	// time or none. 0 means 1.1, which it bears; with 1 it gets all at once, as everybody else does.
	CatchUp float64
	// MaxPayload is the most bytes of payload of an RTP packet that is sent. 0 means 1400.
	MaxPayload int
	// UDPPort is the port from which UDP players get RTP; the next one is for RTCP. It must be even. 0 means a
	// free pair.
	UDPPort int
	// SessionPorts gives each UDP player ports of its own out of PortRange instead.
	SessionPorts bool
	// PortRange is where UDP publishers send to: the first and last port. The zero value means 30000 to 35000. Servers of
	// one media.Server can have the same: see [media.Server.LeasePorts].
	PortRange [2]int
	// MulticastRange is where multicast groups are taken from: the first and last IPv4 address. The zero value
	// means 239.0.0.0 to 239.255.255.255.
	MulticastRange [2]netip.Addr
	// MulticastTTL is how many routers multicast may pass. 0 means 64.
	MulticastTTL int
	// TornPictures passes on what follows a loss of a publisher's packets. Without it, pictures up to the next
	// key frame are left out, because they cannot be decoded whole.
	TornPictures bool
}

const (
	defaultHandshakeTimeout = 15 * time.Second
	defaultIdleTimeout      = 15 * time.Second
	defaultSessionTimeout   = time.Minute
	defaultWriteTimeout     = 10 * time.Second
	defaultMaxPayload       = 1400
	defaultCatchUp          = 1.1
	defaultTTL              = 64
)

func (c Config) withDefaults() (Config, error) {
	fill(&c.HandshakeTimeout, defaultHandshakeTimeout)
	fill(&c.IdleTimeout, defaultIdleTimeout)
	fill(&c.SessionTimeout, defaultSessionTimeout)
	fill(&c.WriteTimeout, defaultWriteTimeout)
	fill(&c.MaxPayload, defaultMaxPayload)
	fill(&c.CatchUp, defaultCatchUp)
	fill(&c.MulticastTTL, defaultTTL)
	fill(&c.PortRange, [2]int{30000, 35000})
	fill(&c.MulticastRange, [2]netip.Addr{netip.AddrFrom4([4]byte{239}), netip.AddrFrom4([4]byte{239, 255, 255, 255})})
	return c, c.check()
}

// check names all that is wrong.
func (c Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("rtsp: Config."+format, args...)) }
	for _, t := range []struct {
		name string
		is   time.Duration
	}{
		{"HandshakeTimeout", c.HandshakeTimeout},
		{"IdleTimeout", c.IdleTimeout},
		{"SessionTimeout", c.SessionTimeout},
		{"WriteTimeout", c.WriteTimeout},
	} {
		if t.is < 0 {
			wrong("%s of %v is negative", t.name, t.is)
		}
	}
	if c.UDPPort%2 != 0 || c.UDPPort < 0 || c.UDPPort > 65534 {
		wrong("UDPPort of %d is not an even port", c.UDPPort)
	}
	if !(c.CatchUp >= 1) {
		wrong("CatchUp of %v is less than 1", c.CatchUp)
	}
	if c.MaxPayload < 256 || c.MaxPayload > 60000 {
		wrong("MaxPayload of %d is not within 256 and 60000", c.MaxPayload)
	}
	if p := c.PortRange; p[0] < 1 || p[1] > 65535 || p[1]-p[0] < 36 {
		wrong("PortRange %d-%d has fewer than 36 ports", p[0], p[1])
	}
	if a, b := c.MulticastRange[0], c.MulticastRange[1]; !a.Is4() || !b.Is4() || !a.IsMulticast() || !b.IsMulticast() || b.Less(a) {
		wrong("MulticastRange %v-%v is not one of IPv4 groups", a, b)
	}
	return errors.Join(errs...)
}

func fill[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}
