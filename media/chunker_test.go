package media_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// lookAhead writes a packet when it has seen the next of its kind, and so knows how long it lasts. It is one for streams of
// video, as fMP4 has it: a chunk is "@", and DTS and duration in ms.
type lookAhead struct {
	held  *media.Packet
	start bool
}

var ahead = &media.Format{Name: "ahead", NewChunker: func() media.Chunker { return &lookAhead{} }}

func (*lookAhead) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	return append(dst, "H"+string(d.Tracks[0].Config)...), nil
}

func (*lookAhead) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	return append(dst, "C"+string(d.Tracks[0].Config)...), nil
}

func (m *lookAhead) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	if m.held != nil {
		m.write(w, p.DTS-m.held.DTS)
	}
	m.held, m.start = p, start
	return nil
}

func (m *lookAhead) Flush(w media.ChunkWriter) error {
	if m.held != nil {
		m.write(w, 0)
	}
	return nil
}

func (m *lookAhead) write(w media.ChunkWriter, lasts time.Duration) {
	data := fmt.Appendf(w.Tail(32), "@%d+%d", m.held.DTS/ms, lasts/ms)
	w.Write(media.Chunk{Key: m.start, DTS: m.held.DTS, Duration: lasts, Data: data})
	m.held = nil
}

// chunks reads what there is of a stream in a format, each chunk as its header, "*" if readers may begin there, and data.
func chunks(t *testing.T, r *media.Reader[media.Chunk], n int) []string {
	t.Helper()
	var list []string
	buf := make([]media.Chunk, 16)
	for len(list) < n {
		k, err := r.ReadBatch(t.Context(), buf[:min(16, n-len(list))])
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		for _, c := range buf[:k] {
			key := ""
			if c.Key {
				key = "*"
			}
			list = append(list, string(c.Header)+key+string(c.Data))
			var at, lasts time.Duration
			if _, err := fmt.Sscanf(string(c.Data), "@%d+%d", &at, &lasts); err == nil {
				require.Equal(t, [2]time.Duration{at * ms, lasts * ms}, [2]time.Duration{c.DTS, c.Duration})
			}
		}
	}
	return list
}

// A muxer that looks ahead says itself where readers can begin, and loses nothing.
func TestMuxerThatLooksAhead(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	r := pub.Stream().ReadFormat(ahead)
	defer r.Close()
	writeVideo(t, pub, 0, 13)
	late := pub.Stream().ReadFormat(ahead)
	defer late.Close()
	require.Equal(t, []string{"Hv1*@400+40", "@440+40"}, chunks(t, late, 2), "begins at the key frame itself")
	require.Equal(t, []string{
		"Hv1*@0+40", "@40+40", "@80+40", "@120+40", "@160+40", "@200+40", "@240+40", "@280+40", "@320+40", "@360+40",
		"*@400+40", "@440+40",
	}, chunks(t, r, 12))
	again := *video
	again.Config = []byte("v2")
	require.NoError(t, pub.WritePacket(frame(&again, 520*ms, true)))
	require.NoError(t, pub.WritePacket(frame(&again, 560*ms, false)))
	pub.Close(nil)
	require.Equal(t, []string{"@480+0", "Cv2", "*@520+40", "@560+0"}, chunks(t, r, 100))
}

// What a muxer holds back goes out when no packet comes any more: the publisher has dropped, or is silent.
func TestHeldPacketsInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Minute)}})
		pub := publish(t, s, video)
		r := pub.Stream().ReadFormat(ahead)
		defer r.Close()
		begun := time.Now()
		for i := range 50 {
			require.NoError(t, pub.WritePacket(frame(video, time.Duration(i)*40*ms, i == 0)))
			time.Sleep(40 * ms)
		}
		require.Len(t, chunks(t, r, 49), 49)
		require.Equal(t, 2*time.Second, time.Since(begun), "no chunk needed a pause")
		require.Equal(t, []string{"@1960+0"}, chunks(t, r, 1))
		require.LessOrEqual(t, time.Since(begun), 4*time.Second)
		begun = time.Now()
		require.NoError(t, pub.WritePacket(frame(video, 2000*ms, false)))
		pub.Close(io.ErrUnexpectedEOF)
		require.Equal(t, []string{"@2000+0"}, chunks(t, r, 1))
		require.Zero(t, time.Since(begun), "the publisher is gone")

		later := pub.Stream().ReadFormat(ahead)
		defer later.Close()
		require.Len(t, chunks(t, later, 51), 51)
	})
}

// gather makes one chunk of four packets, and splitter four of one.
type gather struct {
	lookAhead
	list []*media.Packet
	key  bool
}

func (m *gather) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	if start {
		m.flush(w)
		m.key = true
	}
	if m.list = append(m.list, p); len(m.list) == 4 {
		m.flush(w)
	}
	return nil
}

func (m *gather) Flush(w media.ChunkWriter) error {
	m.flush(w)
	return nil
}

func (m *gather) flush(w media.ChunkWriter) {
	data := w.Tail(64)
	for _, p := range m.list {
		data = fmt.Appendf(data, "%d ", p.DTS/ms)
	}
	if len(m.list) > 0 {
		w.Write(media.Chunk{Key: m.key, DTS: m.list[0].DTS, Data: data})
	}
	m.list, m.key = nil, false
}

type splitter struct{ lookAhead }

func (m *splitter) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	for i := range 3 {
		data := fmt.Appendf(w.Tail(16), "%d.%d", p.DTS/ms, i)
		if i == 1 { // in memory of its own
			data = append([]byte(nil), data...)
		}
		w.Write(media.Chunk{Key: start && i == 0, DTS: p.DTS, Data: data})
		w.Write(media.Chunk{DTS: p.DTS}) // none
	}
	return nil
}

// A chunk may be of several packets, and a packet give several chunks.
func TestChunksAndPackets(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	one := pub.Stream().ReadFormat(&media.Format{Name: "gather", NewChunker: func() media.Chunker { return &gather{} }})
	defer one.Close()
	many := pub.Stream().ReadFormat(&media.Format{Name: "splitter", NewChunker: func() media.Chunker { return &splitter{} }})
	defer many.Close()
	writeVideo(t, pub, 0, 12)
	pub.Close(nil)
	require.Equal(t, []string{"Hv1*0 40 80 120 ", "160 200 240 280 ", "320 360 ", "*400 440 "}, chunks(t, one, 100))
	list := chunks(t, many, 100)
	require.Len(t, list, 36)
	require.Equal(t, []string{"Hv1*0.0", "0.1", "0.2", "40.0"}, list[:4])
	require.Equal(t, []string{"*400.0", "400.1"}, list[30:32])
}
