// Package mux makes RTP of a stream (RFC 3550): interleaved frames (RFC 2326, 10.12), or runs of datagrams.
package mux

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/media"
)

// maxFormats bounds the layouts that clients can make the server know.
const maxFormats = 64

// Formats are the wire formats of the layouts in use.
type Formats struct {
	seed       uint32
	maxPayload int

	mu   sync.Mutex
	list map[Layout]*media.Format
}

// Config of [Formats].
type Config struct {
	// MaxPayload is the most bytes of payload of an RTP packet. 0 means 1400.
	MaxPayload int
	// Seed is the SSRC of the first track, and the RTP timestamp of a time of 0. 0 means a random one.
	Seed uint32
}

// NewFormats returns formats of which none is in use. They may be used from any goroutine.
func NewFormats(c Config) *Formats {
	if c.Seed == 0 {
		c.Seed = randomUint32()
	}
	return &Formats{seed: c.Seed, maxPayload: c.MaxPayload, list: map[Layout]*media.Format{}}
}

// Get returns the format of a layout, or nil if there are too many.
func (f *Formats) Get(l Layout) *media.Format {
	f.mu.Lock()
	defer f.mu.Unlock()
	if format := f.list[l]; format != nil {
		return format
	}
	if len(f.list) == maxFormats {
		return nil
	}
	name := "rtsp"
	if l.Datagrams {
		name = "rtsp-udp"
	}
	format := &media.Format{Name: name, Schema: "rtsp", New: func() media.Muxer {
		return &muxer{formats: f, layout: l, tracks: map[int]*packetizer.Packetizer{}}
	}}
	f.list[l] = format
	return format
}

// SSRC is that of a track: the same in all formats, so that SETUP can tell.
func (f *Formats) SSRC(index int) uint32 { return f.seed + uint32(index) }

// Track returns which track an SSRC is of.
func (f *Formats) Track(ssrc uint32) (index int, ok bool) {
	at := ssrc - f.seed
	return int(at), at < MaxTracks
}

// Stamp returns the RTP timestamp of a time in a stream.
func (f *Formats) Stamp(at time.Duration, clockRate int) uint32 {
	seconds, rest := at/time.Second, at%time.Second
	ticks := int64(seconds)*int64(clockRate) + (int64(rest)*int64(clockRate)+int64(time.Second)/2)/int64(time.Second)
	return f.seed + uint32(ticks)
}

// randomUint32 is for identifiers that must not be guessed.
func randomUint32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint32(b[:])
}
