// Package mpegts makes MPEG-2 transport streams (ISO/IEC 13818-1) of streams: once for all who read them, each packet as one
// run of bytes. A [Demuxer] makes streams of transport streams.
package mpegts

import "time"

const (
	packetSize = 188
	headerSize = 4
	// payloadSize is what is left of a packet without an adaptation field.
	payloadSize = packetSize - headerSize
)

// The PIDs that are used. The tracks have the ones from firstPID on.
const (
	patPID   = 0
	pmtPID   = 0x1000
	firstPID = 0x100
)

const (
	// clock is the rate of PTS and DTS, in Hz.
	clock = 90000
	// delay is how long after its bytes an access unit is due: PTS and DTS are so much ahead of the PCR, which is the DTS
	// of the stream. A decoder that keeps the clock has that long to wait for sound which lies behind its picture.
	delay = 700 * time.Millisecond
	// tablesEvery is how far apart PAT and PMT are at most (13818-1 leaves it open; DVB wants 500 ms and less).
	tablesEvery = 400 * time.Millisecond
	// pcrEvery is how far apart two PCR are at most (2.7.2), with room for what is between packets.
	pcrEvery = 90 * time.Millisecond
	// maxMissedPCR bounds how many PCR stand in for a time in which nothing came.
	maxMissedPCR = 20
)

// Ticks is a time in units of 90 kHz, as 33 bits hold it, and what is left of it in units of 27 MHz.
func Ticks(t time.Duration) (base uint64, rest uint16) {
	// In two steps, since the whole product overflows after 28 hours.
	sec, part := t/time.Second, t%time.Second
	if part < 0 {
		sec, part = sec-1, part+time.Second
	}
	fast := int64(part) * 27 / 1000
	return uint64(int64(sec)*clock+fast/300) & (1<<33 - 1), uint16(fast % 300)
}
