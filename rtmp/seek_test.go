package rtmp_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// film lets m play a clip to whoever asks for it, each from its beginning.
func film(t *testing.T, m *media.Server) {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	m.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return c.Source(), nil }))
}

// pictures returns the stamps of the next n pictures.
func (c *client) pictures(n int) []uint32 {
	var stamps []uint32
	for len(stamps) < n {
		m, err := c.r.Next()
		require.NoError(c.t, err)
		if m.Type == chunk.TypeVideo && m.Body[1] == 1 {
			stamps = append(stamps, m.Timestamp)
		}
	}
	return stamps
}

// until reads status codes up to one.
func (c *client) until(code string) {
	for {
		m, err := c.r.Next()
		require.NoError(c.t, err)
		if m.Type != chunk.TypeCommandAMF0 {
			continue
		}
		got := statusCode(m.Body)
		require.NotEqual(c.t, "NetStream.Seek.Failed", got)
		if got == code {
			return
		}
	}
}

// rigid is a source that cannot be sought.
type rigid struct{ media.Source }

func (rigid) Seek(context.Context, time.Duration) (time.Duration, error) {
	panic("no index in /srv/films/a.mp4")
}

// What is wrong with a source is the host's to know.
func TestSeekFails(t *testing.T) {
	var log testlog.Buffer
	m, addr := start(t, media.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, rtmp.Config{})
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	m.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return rigid{c.Source()}, nil }))
	peer := dial(t, addr)
	peer.connect("live", "rtmp://h/live")
	peer.command("play", 4.0, nil, "film")
	require.Len(t, peer.pictures(1), 1)
	peer.command("seek", 0.0, nil, 4500.0)
	var said string
	for said == "" {
		if v := peer.await("onStatus"); amf.Members(v[3]).String("code") == "NetStream.Seek.Failed" {
			said = amf.Members(v[3]).String("description")
		}
	}
	require.Equal(t, "there is no such place to go on at", said)
	require.Contains(t, log.String(), "no index in /srv/films/a.mp4")
	require.Len(t, peer.pictures(1), 1, "it goes on as it was")
}

func TestSourceIsPausedAndSought(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	film(t, m)
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("play", 4.0, nil, "film")
	first := c.pictures(1)[0]
	require.Less(t, first, uint32(40), "the sound begins a little before")
	require.Equal(t, []uint32{first + 40, first + 80}, c.pictures(2))
	c.command("seek", 0.0, nil, 4500.0)
	c.until("NetStream.Seek.Notify")
	require.Equal(t, []uint32{first + 4000, first + 4040}, c.pictures(2), "at the key frame before")
	c.command("pause", 0.0, nil, true, 0.0)
	c.until("NetStream.Pause.Notify")
	c.command("seek", 0.0, nil, 0.0)
	c.until("NetStream.Seek.Notify")
	c.command("pause", 0.0, nil, false, 0.0)
	c.until("NetStream.Unpause.Notify")
	stamps := c.pictures(150)
	require.Equal(t, first, stamps[0])
	require.Equal(t, first+149*40, stamps[149], "to the end, and nothing was left out")
	c.until("NetStream.Play.Stop")
	require.Eventually(t, func() bool { return len(sessions(m)) == 0 }, patience, time.Millisecond)
}

// Who says with play where to begin gets the key frame before that first of all.
func TestPlaysFromAStart(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	film(t, m)
	first := uint32(0)
	for _, c := range []struct{ start, at float64 }{{0, 0}, {-2000, 0}, {-1000, 0}, {4500, 4000}, {6000, 4000}} {
		peer := dial(t, addr)
		peer.connect("live", "rtmp://h/live")
		peer.command("play", 4.0, nil, "film", c.start)
		stamps := peer.pictures(2)
		if c.start == 0 {
			first = stamps[0]
		}
		require.Equal(t, []uint32{first + uint32(c.at), first + uint32(c.at) + 40}, stamps, c.start)
	}
}

// A source that cannot be sought begins at its beginning.
func TestPlaysRigidSourceFromItsBeginning(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	m.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return rigid{c.Source()}, nil }))
	peer := dial(t, addr)
	peer.connect("live", "rtmp://h/live")
	peer.command("play", 4.0, nil, "film", 4500.0)
	require.Less(t, peer.pictures(1)[0], uint32(40))
}

// There is nothing beyond the end of a film: who asks for that is told so, and where it ends, and stays where he was.
func TestSeekBeyondTheEnd(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	film(t, m)
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("play", 4.0, nil, "film", 1e9)
	require.Equal(t, "NetStream.Play.Failed", c.status())
	c.command("play", 5.0, nil, "film")
	at := c.pictures(1)[0]
	require.Less(t, at, uint32(40), "it may be asked for from somewhere else")
	for _, beyond := range []float64{7000, 1e9} {
		c.command("seek", 0.0, nil, beyond)
		at = c.untilInvalidTime(at)
	}
	c.command("pause", 0.0, nil, true, 0.0)
	c.until("NetStream.Pause.Notify")
	c.command("seek", 0.0, nil, 1e9)
	c.untilInvalidTime(0)
	c.command("seek", 0.0, nil, 4500.0)
	c.until("NetStream.Seek.Notify")
	c.command("pause", 0.0, nil, false, 0.0)
	c.until("NetStream.Unpause.Notify")
	require.InDelta(t, 4000, float64(c.pictures(1)[0]), 40)
}

// untilInvalidTime reads up to the refusal of a seek. The pictures up to it follow the one at a time, one after the other. It returns
// when the last was.
func (c *client) untilInvalidTime(at uint32) uint32 {
	for {
		m, err := c.r.Next()
		require.NoError(c.t, err)
		switch {
		case m.Type == chunk.TypeVideo && m.Body[1] == 1:
			require.Equal(c.t, at+40, m.Timestamp)
			at = m.Timestamp
		case m.Type == chunk.TypeCommandAMF0:
			values, err := amf.Unmarshal0(m.Body)
			require.NoError(c.t, err)
			info := amf.Members(values[3])
			require.Equal(c.t, "NetStream.Seek.InvalidTime", info.String("code"))
			require.Equal(c.t, "error", info.String("level"))
			last := info.Number("details")
			require.InDelta(c.t, 6, last, 0.1)
			return at
		}
	}
}
