package mux

import (
	"encoding/binary"
	"iter"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/packetizer"
)

// First is the RTP packet with which a track begins.
type First struct {
	Seq   uint16
	Stamp uint32
}

// FirstRTP returns the first RTP packets in a chunk, by the index of their tracks.
func (l Layout) FirstRTP(chunk []byte) map[int]First {
	firsts := map[int]First{}
	for channel, packet := range l.packets(chunk) {
		track, rtcp := l.trackOf(channel)
		if _, known := firsts[track]; known || rtcp || track < 0 || len(packet) < 12 {
			continue
		}
		firsts[track] = First{Seq: binary.BigEndian.Uint16(packet[2:]), Stamp: binary.BigEndian.Uint32(packet[4:])}
	}
	return firsts
}

// AppendReports appends the sender reports in a chunk, brought to now: they say the same of how the time of a track and
// that of the wall clock belong together, by another moment. rate gives the clock rates of tracks, in Hz.
func (l Layout) AppendReports(dst, chunk []byte, rate func(track int) int, now time.Time) []byte {
	var frames []byte
	for channel, packet := range l.packets(chunk) {
		if track, rtcp := l.trackOf(channel); rtcp {
			frames = append(frames, '$', channel, byte(len(packet)>>8), byte(len(packet)))
			frames = append(frames, packet...)
			packetizer.MoveReport(frames[len(frames)-len(packet):], rate(track), now)
		}
	}
	return l.pack(dst, frames)
}

// trackOf returns which track a channel is of, or -1, and whether it is that for RTCP.
func (l Layout) trackOf(channel byte) (track int, rtcp bool) {
	for i, c := range l.Channels {
		if c >= 0 && (int(c) == int(channel) || int(c)+1 == int(channel)) {
			return i, int(c) != int(channel)
		}
	}
	return -1, false
}

// packets yields the packets in a chunk.
func (l Layout) packets(chunk []byte) iter.Seq2[byte, []byte] {
	return func(yield func(channel byte, packet []byte) bool) {
		for len(chunk) > 0 {
			var channel byte
			var packet []byte
			if l.Datagrams {
				var unit int
				var run []byte
				channel, unit, run, chunk = datagram.TakeRun(chunk)
				for len(run) > unit {
					if packet, run = run[:unit], run[unit:]; !yield(channel, packet) {
						return
					}
				}
				packet = run
			} else {
				end := 4 + int(binary.BigEndian.Uint16(chunk[2:]))
				channel, packet, chunk = chunk[1], chunk[4:end], chunk[end:]
			}
			if !yield(channel, packet) {
				return
			}
		}
	}
}
