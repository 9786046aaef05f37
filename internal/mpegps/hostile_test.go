package mpegps

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

// nothing is a sink that keeps nothing.
type nothing struct{}

func (nothing) SetTracks(...*media.Track) error   { return nil }
func (nothing) WritePacket(p *media.Packet) error { return nil }

func pesPacket(id byte, stamp byte, payload ...byte) []byte {
	if stamp == 0 {
		n := 3 + len(payload)
		return append([]byte{0, 0, 1, id, byte(n >> 8), byte(n), 0x80, 0, 0}, payload...)
	}
	n := 8 + len(payload)
	return append([]byte{0, 0, 1, id, byte(n >> 8), byte(n), 0x80, 0x80, 5, 0x21, 0, stamp | 1, 0, stamp | 1}, payload...)
}

func mapOf(list ...byte) []byte {
	n := len(list)
	b := append([]byte{0, 0, 1, 0xbc, 0, byte(10 + n), 0xe1, 0xff, 0, 0, byte(n >> 8), byte(n)}, list...)
	return append(b, 0, 0, 0, 0)
}

// What a sender makes up costs it about as much as it costs the receiver: no more than 16 bytes of memory for each byte, taken or let go of,
// and no time to speak of.
func TestHostileBytesCostLittle(t *testing.T) {
	sets, _, err := h26x.Parse(media.H264, onlyOf(load(t, testmedia.H264()), true)[0].Track.Config)
	require.NoError(t, err)
	avc := bytes.Join([][]byte{nil, sets.SPS[0], sets.PPS[0]}, []byte{0, 0, 0, 1})
	hevc := []byte{0, 0, 1, 0x40, 1, 0x0c, 1, 0xff, 0xff, 0, 0, 1, 0x42, 1, 1, 1, 0x60}
	repeat := func(parts ...[]byte) []byte {
		b := bytes.Join(parts, nil)
		return bytes.Repeat(b, 512<<10/len(b)+1)
	}
	var changing []byte
	for i := range 12_000 {
		changing = append(changing, mapOf(0x90, byte(0xc0+i%32), 0, 0, byte(0x90+i%2), byte(0xc0+i/32%32), 0, 0, 0x1b, byte(0xe0+i%16), 0, 0)...)
	}
	ones := func(n int, b ...byte) []byte { return bytes.Repeat(b, n) }
	for name, b := range map[string][]byte{
		"start codes":              repeat([]byte{0, 0, 1, 0xe0}),
		"start codes of sound":     repeat([]byte{0, 0, 1, 0xc0, 0, 0}),
		"start codes of video":     repeat([]byte{0, 0, 1, 0x41}),
		"zeros":                    make([]byte, 512<<10),
		"system headers":           repeat([]byte{0, 0, 1, 0xbb, 0xff, 0xff}),
		"maps":                     repeat([]byte{0, 0, 1, 0xbc, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0}),
		"maps that change":         changing,
		"maps of two":              repeat(mapOf(0x1b, 0xe0, 0, 0), mapOf(0x24, 0xe0, 0, 0)),
		"codecs":                   repeat(pesPacket(0xe0, 2, avc...), pesPacket(0xe0, 4, hevc...)),
		"little sound":             repeat(pesPacket(0xc0, 2, 0xd5), pesPacket(0xc0, 0, 0xd5)),
		"MP3 that is none":         repeat(pesPacket(0xc0, 2, ones(300, 0xff, 0xfb)...)),
		"ADTS that is none":        repeat(mapOf(0x0f, 0xc0, 0, 0), pesPacket(0xc0, 2, ones(30_000, 0xff)...)),
		"LATM that is none":        repeat(pesPacket(0xc0, 2, ones(30, 0x56, 0xe0, 0)...)),
		"pictures of nothing":      repeat(pesPacket(0xe0, 2, append(bytes.Clone(avc), 0, 0, 1, 0x65, 0x88)...), pesPacket(0xe0, 4, 0, 0, 1, 0x65, 0x88, 1)),
		"a picture without an end": repeat(pesPacket(0xe0, 0, ones(20_000, 1)...)),
		"packets of no length":     repeat([]byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0}, ones(70, 0, 0, 1)),
		"private streams":          repeat([]byte{0, 0, 1, 0xbd, 0, 1, 7, 0, 0, 1, 0xbf, 0, 0}),
	} {
		for _, cut := range []int{1, 100, 1 << 20} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			d := NewDemuxer(nothing{}, func(error) {})
			for part := b; len(part) > 0; part = part[min(cut, len(part)):] {
				d.At(time.Duration(len(part)))
				_, err := d.Write(part[:min(cut, len(part))])
				require.NoError(t, err)
			}
			require.NoError(t, d.Close())
			runtime.ReadMemStats(&after)
			taken := after.TotalAlloc - before.TotalAlloc
			t.Logf("%s in pieces of %d: %.1f bytes a byte, %v", name, cut, float64(taken)/float64(len(b)), time.Since(begin))
			require.LessOrEqual(t, taken, uint64(16*len(b)+1<<20), "%s in pieces of %d", name, cut)
		}
	}
}
