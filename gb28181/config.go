package gb28181

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// ErrServerClosed is what is answered once Shutdown or Close has begun.
var ErrServerClosed = errors.New("gb28181: server closed")

// Config of a [Server]. The zero value works.
type Config struct {
	// PortRange is where ports are taken from for which no number is asked: the first and last port. The zero value means 30000 to
	// 35000. Servers of one media.Server can have the same: see [media.Server.LeasePorts].
	PortRange [2]int
	// LocalIP is the address of ports for which none is asked. The zero value means all.
	LocalIP netip.Addr
	// Timeout closes a port to which no frame has come for so long, and ends a sender of a port with many. 0 means 15 s.
	Timeout time.Duration
	// PayloadTypes say what RTP packets carry whose content does not.
	PayloadTypes PayloadTypes
	// ReadBuffer is what the system keeps of datagrams for a port, in bytes, as far as it allows. 0 means 4 MiB.
	ReadBuffer int
	// MaxSenders bounds the senders of a port with many. 0 means 1000. Of half of them no frame may have come that are of one address, or of
	// one network of 64 bits of IPv6, so that none takes the places of all.
	MaxSenders int
	// MaxPayload is the most bytes of payload of an RTP packet that is sent. 0 means 1400.
	MaxPayload int
	// G711Duration is how much of G.711 a packet of an elementary stream carries that is sent. 0 means 100 ms.
	G711Duration time.Duration
}

// PayloadTypes are what dynamic payload types mean (RFC 3551, 6). 0 means the default. MPEG-PS and MPEG-TS are known by what they begin
// with, whatever their type, and so are H.264 and H.265 by their parameter sets.
type PayloadTypes struct {
	// H264, H265 and Opus are elementary streams: 98, 99 and 100 by default.
	H264, H265, Opus uint8
}

const (
	defaultTimeout      = 15 * time.Second
	defaultReadBuffer   = 4 << 20
	defaultMaxSenders   = 1000
	defaultMaxPayload   = 1400
	defaultG711Duration = 100 * time.Millisecond
)

func (c Config) withDefaults() (Config, error) {
	fill(&c.PortRange, [2]int{30000, 35000})
	fill(&c.Timeout, defaultTimeout)
	fill(&c.PayloadTypes.H264, 98)
	fill(&c.PayloadTypes.H265, 99)
	fill(&c.PayloadTypes.Opus, 100)
	fill(&c.ReadBuffer, defaultReadBuffer)
	fill(&c.MaxSenders, defaultMaxSenders)
	fill(&c.MaxPayload, defaultMaxPayload)
	fill(&c.G711Duration, defaultG711Duration)
	return c, c.check()
}

// check names all that is wrong.
func (c Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("gb28181: Config."+format, args...)) }
	if p := c.PortRange; p[0] < 1 || p[1] > 65535 || p[1]-p[0] < 36 {
		wrong("PortRange %d-%d has fewer than 36 ports", p[0], p[1])
	}
	if c.Timeout < 0 {
		wrong("Timeout of %v is negative", c.Timeout)
	}
	if t := c.PayloadTypes; t.H264 > 127 || t.H265 > 127 || t.Opus > 127 {
		wrong("PayloadTypes %v are not within 1 and 127", t)
	}
	if c.ReadBuffer < 0 || c.MaxSenders < 0 {
		wrong("ReadBuffer of %d or MaxSenders of %d is negative", c.ReadBuffer, c.MaxSenders)
	}
	if c.MaxPayload < 256 || c.MaxPayload > 9000 {
		wrong("MaxPayload of %d is not within 256 and 9000", c.MaxPayload)
	}
	if c.G711Duration < 10*time.Millisecond || c.G711Duration > time.Second {
		wrong("G711Duration of %v is not within 10 ms and 1 s", c.G711Duration)
	}
	return errors.Join(errs...)
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
