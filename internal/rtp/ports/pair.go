package ports

import (
	"errors"
	"fmt"
	"net"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
)

// maxTries is how often the system is asked for a free port that is even.
const maxTries = 20

// Pair is an even port for RTP and the next one for RTCP (RFC 3550, 11).
type Pair struct {
	RTP, RTCP *datagram.Socket
	Port      int // that of RTP
}

// Close gives both ports back.
func (p *Pair) Close() {
	p.RTP.Close()
	p.RTCP.Close()
}

// Listen opens a pair of udp, udp4 or udp6 at port, or a free one if port is 0: then the error is [ErrNone] if the
// system gave an odd one, and the next try may do.
func Listen(network string, ip net.IP, port int) (*Pair, error) {
	first, err := listen(network, ip, port)
	if err != nil {
		return nil, err
	}
	at := first.LocalAddr().(*net.UDPAddr).Port // as every UDP socket's is
	if at%2 != 0 {
		first.Close()
		return nil, ErrNone
	}
	second, err := listen(network, ip, at+1)
	if err != nil {
		first.Close()
		return nil, err
	}
	return &Pair{RTP: datagram.NewSocket(first), RTCP: datagram.NewSocket(second), Port: at}, nil
}

func listen(network string, ip net.IP, port int) (*net.UDPConn, error) {
	conn, err := net.ListenUDP(network, &net.UDPAddr{IP: ip, Port: port})
	if err != nil {
		return nil, fmt.Errorf("ports: %w", err)
	}
	_ = conn.SetReadBuffer(2 << 20) // as much as the system allows
	_ = conn.SetWriteBuffer(2 << 20)
	return conn, nil
}

// Free opens a pair of udp, udp4 or udp6 anywhere.
func Free(network string, ip net.IP) (*Pair, error) {
	for range maxTries {
		pair, err := Listen(network, ip, 0)
		if !errors.Is(err, ErrNone) {
			return pair, err
		}
	}
	return nil, ErrNone
}
