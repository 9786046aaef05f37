package device

import (
	"encoding/binary"
	"net"
	"time"
)

// maxPayload is how much of the stream a packet carries, in bytes.
const maxPayload = 1400

// send sends the clip, over and over, until the call ends.
func (d *Device) send(c *call, conn net.Conn) {
	if d.cfg.Silent || d.cfg.Clip == nil {
		return
	}
	s := rtpSender{conn: conn, ssrc: c.ssrc, framed: c.offer.TCP}
	begun := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for shift := time.Duration(0); ; shift += d.cfg.Clip.length {
		for i := range d.cfg.Clip.packs {
			p := &d.cfg.Clip.packs[i]
			at := shift + p.dts
			timer.Reset(time.Until(begun.Add(time.Duration(float64(at) / d.cfg.Speed))))
			select {
			case <-timer.C:
			case <-c.ctx.Done():
				return
			}
			if err := s.write(p.bytes(shift), at); err != nil {
				return
			}
		}
	}
}

// rtpSender sends packs as RTP (RFC 3550), over TCP each packet behind its length (RFC 4571).
type rtpSender struct {
	conn     net.Conn
	ssrc     uint32
	framed   bool
	sequence uint16
}

func (s *rtpSender) write(pack []byte, at time.Duration) error {
	stamp := uint32(ticks(at))
	var out []byte
	for len(pack) > 0 {
		n := min(len(pack), maxPayload)
		b := make([]byte, 0, 2+12+n)
		if s.framed {
			b = binary.BigEndian.AppendUint16(b, uint16(12+n))
		}
		marker := byte(0)
		if n == len(pack) {
			marker = 0x80
		}
		b = append(b, 0x80, marker|96)
		b = binary.BigEndian.AppendUint16(b, s.sequence)
		b = binary.BigEndian.AppendUint32(b, stamp)
		b = binary.BigEndian.AppendUint32(b, s.ssrc)
		b = append(b, pack[:n]...)
		s.sequence++
		pack = pack[n:]
		if s.framed {
			out = append(out, b...)
			continue
		}
		if _, err := s.conn.Write(b); err != nil && s.sequence > 10 {
			return err // one that nobody takes yet may be refused
		}
	}
	if len(out) == 0 {
		return nil
	}
	_, err := s.conn.Write(out)
	return err
}

// ticks of 90 kHz.
func ticks(d time.Duration) uint64 { return uint64(d) * 9 / 100_000 }
