package web

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// pile takes chunks.
type pile struct{ bytes.Buffer }

func (*pile) Tail(n int) []byte     { return make([]byte, 0, n) }
func (p *pile) Write(c media.Chunk) { p.Buffer.Write(c.Data) }

// A file has one header, or others where only its pictures are others. It may still be any other as long as nobody can have it.
func TestHeadersOfAFile(t *testing.T) {
	picture := func(width int) *media.Track { return &media.Track{ID: 1, Codec: media.VP8, Width: width, Height: 64} }
	sound := func(rate int) *media.Track {
		return &media.Track{ID: 2, Codec: media.G711A, ClockRate: rate, SampleRate: rate, Channels: 1}
	}
	m := newFMP4().reply.NewChunker()
	describe := func(tracks ...*media.Track) (again bool, err error) {
		d := &media.Description{Tracks: tracks}
		b, err := m.AppendHeader([]byte("x"), d)
		require.Equal(t, "x", string(b[:1]))
		require.Equal(t, err == nil, len(b) > 1)
		if err == nil {
			b, err = m.AppendChange(nil, d)
		}
		return len(b) > 0 && err == nil, err
	}
	write := func(start bool) {
		p := &media.Packet{Track: picture(0), DTS: time.Second, PTS: time.Second, Data: []byte{1}}
		require.NoError(t, m.WritePacket(new(pile), p, start))
	}
	check := func(wants bool, wantsErr error, tracks ...*media.Track) {
		t.Helper()
		again, err := describe(tracks...)
		require.Equal(t, wantsErr, err)
		require.Equal(t, wants, again)
	}
	check(false, nil, picture(64))
	write(false)
	check(false, nil, picture(128), sound(8000))
	write(true)
	write(false)
	check(false, nil, picture(128), sound(8000))
	check(true, nil, picture(64), sound(8000))
	check(false, nil, picture(64), sound(8000))
	check(false, io.EOF, picture(64), sound(16000))
	check(false, io.EOF, picture(64))
	check(false, io.EOF, &media.Track{ID: 1, Codec: media.VP9}, sound(8000))
	check(false, io.EOF, picture(64), sound(8000), sound(8000))
}

// Who reads a reply in MP4 as a file has all pictures also where they get another size, although what reads files passes over the second
// header.
func TestFilesOfTwoSizes(t *testing.T) {
	m := newFMP4().reply.NewChunker()
	var reply pile
	var wants []string
	at := time.Duration(0)
	for i, clip := range [][]byte{testmedia.H264(), testmedia.Demo(), testmedia.H264()} {
		tracks, packets := reel.Load(t, clip)
		tracks = slices.DeleteFunc(tracks, func(t *media.Track) bool { return !t.Codec.Video() })
		packets = slices.DeleteFunc(packets, func(p *media.Packet) bool { return !p.Track.Codec.Video() })
		d := &media.Description{Tracks: tracks}
		header, err := m.AppendHeader(nil, d)
		require.NoError(t, err)
		change, err := m.AppendChange(nil, d)
		require.NoError(t, err)
		if i == 0 {
			change = header
		}
		require.Equal(t, header, change)
		reply.Buffer.Write(change)
		var alone pile
		single := newFMP4().reply.NewChunker()
		header, err = single.AppendHeader(nil, d)
		require.NoError(t, err)
		alone.Buffer.Write(header)
		begin := at
		for _, p := range packets {
			require.NoError(t, single.WritePacket(&alone, p, p.Key))
			moved := *p
			moved.DTS, moved.PTS = p.DTS-packets[0].DTS+begin, p.PTS-packets[0].DTS+begin
			at = moved.DTS + 40*time.Millisecond
			require.NoError(t, m.WritePacket(&reply, &moved, p.Key))
		}
		require.NoError(t, m.Flush(&reply))
		require.NoError(t, single.Flush(&alone))
		wants = append(wants, reel.Hashes(t, "alone.mp4", reel.Pictures, alone.Bytes())...)
	}
	require.Equal(t, wants, reel.Hashes(t, "reply.mp4", reel.Pictures, reply.Bytes()))
}

// Parameter sets stand in front of a picture, behind nothing.
func TestSetsInFrontOfAPicture(t *testing.T) {
	track := &media.Track{ID: 1, Codec: media.H264, Config: []byte{
		1, 0x42, 0, 10, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0, 10, 1, 0, 4, 0x68, 0xee, 0x3c, 0x80,
	}}
	p := &media.Packet{Track: track, Key: true, Data: []byte{0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 3, 0x65, 1, 2}}
	require.Equal(t, []byte{
		0, 0, 0, 4, 0x67, 0x42, 0, 10, 0, 0, 0, 4, 0x68, 0xee, 0x3c, 0x80, 0, 0, 0, 3, 0x65, 1, 2,
	}, withSets(p).Data)
	require.Len(t, p.Data, 13)
	other := *p
	other.Track = &media.Track{ID: 1, Codec: media.H264, Config: []byte{1, 2}}
	require.Same(t, &other, withSets(&other))
}
