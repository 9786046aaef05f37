// Package mux makes RTP of a stream (RFC 3550): interleaved frames (RFC 2326, 10.12), or runs of datagrams.
package mux

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/media"
)

// maxOdd bounds the formats of layouts that are not the usual ones, which clients can make the server have.
const maxOdd = 64

// Formats are the wire formats in use.
type Formats struct {
	seed       uint32
	maxPayload int

	mu   sync.Mutex
	list elastic.Map[key, *Use]
	odd  int // how many of them are not of the usual layouts
}

// key is what tells formats apart. Those whose players were told other things of the tracks are not the same.
type key struct {
	Layout
	terms string
}

// Use is a format in use. It ends with its last user.
type Use struct {
	// Format is for players of the layout that were told of the tracks. When those become others, so that a player would
	// have to be told anew, the readers get io.EOF.
	Format *media.Format

	key   key
	users int // guarded by Formats.mu
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
	return &Formats{seed: c.Seed, maxPayload: c.MaxPayload}
}

// Use returns the format of a layout, for players that were told of tracks; nil if there are too many that are not usual.
// Whoever got it calls Release.
func (f *Formats) Use(l Layout, tracks []*media.Track) *Use {
	terms := termsOf(tracks)
	k := key{l, l.join(terms)}
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.list.Get(k)
	if u == nil {
		if odd := !l.usual(); odd && f.odd >= maxOdd {
			return nil
		} else if odd {
			f.odd++
		}
		u = &Use{Format: f.format(l, terms), key: k}
		f.list.Set(k, u)
	}
	u.users++
	return u
}

func (f *Formats) format(l Layout, terms [MaxTracks]string) *media.Format {
	name := "rtsp"
	if l.Datagrams {
		name = "rtsp-udp"
	}
	return &media.Format{Name: name, Schema: "rtsp", New: func() media.Muxer {
		return &muxer{formats: f, layout: l, terms: terms, tracks: map[int]*packetizer.Packetizer{}, indexes: map[int]int{}}
	}}
}

// Release ends one use; nil is none.
func (f *Formats) Release(u *Use) {
	if u == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	u.users--
	if u.users > 0 {
		return
	}
	f.list.Delete(u.key)
	if !u.key.usual() {
		f.odd--
	}
}

// Full reports whether no more formats can be had of layouts that are not the usual ones.
func (f *Formats) Full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.odd >= maxOdd
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
	return packetizer.Stamp(at, clockRate, f.seed)
}

// randomUint32 is for identifiers that must not be guessed.
func randomUint32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint32(b[:])
}
