package crowd

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

// lookEvery is how often a UDP player's control connection and RTCP sockets are emptied, where hardly anything comes.
const lookEvery = time.Second

// member is one drained player. Its fields are guarded by the drain's lock.
type member struct {
	conn    *conn // nil once it is not needed
	freezes bool
	lost    bool
	meter

	numbers sequence // of RTP that an API was asked for

	// RTSP only.
	requests *wire.Requests
	speak    time.Time // when the next keep-alive is due
	pairs    []*pair   // UDP: one for each track; RTP that an API was asked for has one as well
	looked   time.Time
}

// ask sets the player up and forgets what it would parse.
func (m *member) ask(proto string, u *url.URL) error {
	var open wire.OpenPorts
	switch proto {
	case protoTCP:
	case protoUDP:
		open = m.openPair
	case protoRTP:
		return m.askRTP(u)
	default:
		_, err := wire.Play(proto, m.conn, u)
		return err
	}
	session, err := wire.PlayRTSP(m.conn, u, open)
	if err == nil {
		m.requests = session.Requests()
	}
	return err
}

// askRTP has the API send the stream to a port, and hangs up.
func (m *member) askRTP(u *url.URL) error {
	ip, err := m.conn.localIP()
	if err != nil {
		return err
	}
	port, err := m.openPair()
	if err != nil {
		return err
	}
	if err := wire.SendRTP(m.conn, u, ip.String(), port); err != nil {
		return err
	}
	m.conn.Close()
	m.conn = nil
	return nil
}

func (m *member) openPair() (int, error) {
	ip, err := m.conn.localIP()
	if err != nil {
		return 0, err
	}
	p, err := openPair(ip)
	if err != nil {
		return 0, err
	}
	m.pairs = append(m.pairs, p)
	return p.port, nil
}

// begin spreads the keep-alives of players that join at once over half the time between two.
func (m *member) begin(now time.Time) {
	m.speak = now.Add(wire.KeepAliveEvery/2 + rand.N(wire.KeepAliveEvery/2))
}

// drain empties the player's sockets. An end or error of the connection marks the player as lost.
func (m *member) drain(s *scratch, now time.Time) {
	if m.requests != nil && now.After(m.speak) {
		m.speak = now.Add(wire.KeepAliveEvery)
		_, _ = m.conn.Write(m.requests.KeepAlive()) // what is wrong shows at the next read
	}
	if len(m.pairs) == 0 {
		m.drainStream(s.bytes, now)
		return
	}
	if m.conn == nil {
		m.add(s.packets.drop(m.pairs[0].rtp, &m.numbers), now)
		return
	}
	look := now.Sub(m.looked) >= lookEvery
	for _, p := range m.pairs {
		m.add(s.datagrams.drop(p.rtp), now)
		if look {
			m.add(s.datagrams.drop(p.rtcp), now)
		}
	}
	if look {
		m.looked = now
		m.drainControl(s.bytes)
	}
}

func (m *member) drainStream(scratch []byte, now time.Time) {
	for {
		n, err := m.conn.drop(scratch)
		m.add(n, now)
		if n == len(scratch) {
			continue
		}
		m.lost = n == 0 && !errors.Is(err, syscall.EAGAIN)
		return
	}
}

// drainControl throws the replies to keep-alives away. They are no media and not counted.
func (m *member) drainControl(scratch []byte) {
	n, err := m.conn.drop(scratch)
	m.lost = n == 0 && !errors.Is(err, syscall.EAGAIN)
}

func (m *member) close() {
	if m.conn != nil {
		m.conn.Close()
	}
	for _, p := range m.pairs {
		p.close()
	}
}
