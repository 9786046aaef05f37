package chunk

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func body(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + n)
	}
	return b
}

func TestWhatIsAppendedIsRead(t *testing.T) {
	for _, size := range []int{1, 128, 4096, 60000} {
		for _, n := range []int{0, 1, 127, 128, 129, 300, 60000, 200000} {
			if n/size > 5000 {
				continue
			}
			for _, stamp := range []uint32{0, 0xfffffe, 0xffffff, 0x1000000, 0xffffffff} {
				m := Message{Type: TypeVideo, StreamID: 1, Timestamp: stamp, Body: body(n)}
				wire := AppendUint32Message(nil, TypeSetChunkSize, uint32(size))
				wire = AppendMessage(wire, 6, m, size)
				wire = AppendMessage(wire, 6, m, size)
				r := NewReader(bytes.NewReader(wire), nil)
				_, err := r.Next()
				require.NoError(t, err)
				for range 2 {
					got, err := r.Next()
					require.NoError(t, err)
					require.Equal(t, m, got)
				}
				_, err = r.Next()
				require.Equal(t, io.EOF, err)
				require.Zero(t, r.held)
			}
		}
	}
}

// basic returns a basic header in as many bytes as the id needs.
func basic(format byte, id int) []byte {
	switch {
	case id < 64:
		return []byte{format<<6 | byte(id)}
	case id < 320:
		return []byte{format << 6, byte(id - 64)}
	default:
		return []byte{format<<6 | 1, byte(id - 64), byte((id - 64) >> 8)}
	}
}

func TestFormatsAndIDs(t *testing.T) {
	for _, id := range []int{2, 63, 64, 319, 320, 65599} {
		var w []byte
		w = append(append(w, basic(0, id)...), 0, 0, 100, 0, 0, 3, 9, 1, 0, 0, 0, 'a', 'b', 'c')
		w = append(append(w, basic(1, id)...), 0, 0, 40, 0, 0, 2, 8, 'd', 'e')
		w = append(append(w, basic(2, id)...), 0, 0, 20, 'f', 'g')
		w = append(append(w, basic(3, id)...), 'h', 'i')
		r := NewReader(bytes.NewReader(w), nil)
		for _, want := range []Message{
			{9, 1, 100, []byte("abc")}, {8, 1, 140, []byte("de")}, {8, 1, 160, []byte("fg")}, {8, 1, 180, []byte("hi")},
		} {
			got, err := r.Next()
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
}

func TestInterleavedMessages(t *testing.T) {
	a, b := body(300), body(200)
	var w []byte
	w = append(append(w, 4, 0, 0, 1, 0, 1, 44, 8, 1, 0, 0, 0), a[:128]...)
	w = append(append(w, 6, 0, 0, 2, 0, 0, 200, 9, 1, 0, 0, 0), b[:128]...)
	w = append(append(w, 3<<6|4), a[128:256]...)
	w = append(append(w, 3<<6|6), b[128:]...)
	w = append(append(w, 3<<6|4), a[256:]...)
	r := NewReader(bytes.NewReader(w), nil)
	got, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, b, got.Body)
	got, err = r.Next()
	require.NoError(t, err)
	require.Equal(t, a, got.Body)
}

func TestExtendedStampThatIsNotRepeated(t *testing.T) {
	m := body(200)
	w := []byte{6, 255, 255, 255, 0, 0, 200, 9, 1, 0, 0, 0, 1, 0, 0, 5}
	w = append(w, m[:128]...)
	w = append(append(w, 3<<6|6), m[128:]...)
	got, err := NewReader(bytes.NewReader(w), nil).Next()
	require.NoError(t, err)
	require.Equal(t, Message{9, 1, 0x1000005, m}, got)
}

// A step that is repeated by format 3 right behind format 0 is that of the absolute time stamp.
func TestFormat3BehindFormat0(t *testing.T) {
	w := []byte{4, 0, 0, 40, 0, 0, 2, 8, 1, 0, 0, 0, 'a', 'b', 3<<6 | 4, 'c', 'd', 3<<6 | 4, 'e', 'f'}
	r := NewReader(bytes.NewReader(w), nil)
	for _, want := range []uint32{40, 80, 120} {
		got, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, want, got.Timestamp)
	}
}

// A last chunk shorter than the time stamp that is not in it must not wait for what comes after.
func TestShortLastChunk(t *testing.T) {
	m := body(130)
	w := append([]byte{6, 255, 255, 255, 0, 0, 130, 9, 1, 0, 0, 0, 1, 0, 0, 5}, m[:128]...)
	w = append(append(w, 3<<6|6), m[128:]...)
	in, out := io.Pipe()
	defer in.Close()
	go out.Write(w) // and nothing more
	got, err := NewReader(in, nil).Next()
	require.NoError(t, err)
	require.Equal(t, m, got.Body)
}

func TestPartialMessagesAreBounded(t *testing.T) {
	const size = 1 << 20
	w := AppendUint32Message(nil, TypeSetChunkSize, size)
	piece := body(size)
	for id := range 40 { // each of 16 MiB, of which one is sent
		w = append(append(w, basic(0, 64+id)...), 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0)
		w = append(w, piece...)
	}
	r := NewReader(bytes.NewReader(w), nil)
	_, err := r.Next()
	require.NoError(t, err)
	_, err = r.Next()
	require.ErrorIs(t, err, ErrProtocol)
	require.LessOrEqual(t, r.held, Full().Partial)
}

// Whoever is not let in yet takes no more than the early limits, by long messages, by many that are begun, or by such
// that grow.
func TestEarlyLimits(t *testing.T) {
	begin := func(id, length int) []byte {
		b := append(basic(0, id), 0, 0, 0, byte(length>>16), byte(length>>8), byte(length), 20, 0, 0, 0, 0)
		return append(b, body(min(length, 128))...)
	}
	var many, growing []byte
	for id := range 60 {
		many = append(many, begin(64+id, 60<<10)...)
	}
	for id := range 4 {
		growing = append(growing, begin(64+id, 60<<10)...)
		for range 200 {
			growing = append(append(growing, basic(3, 64+id)...), body(128)...)
		}
	}
	for name, wire := range map[string][]byte{
		"long": begin(5, 64<<10+1), "begun": many, "growing": growing,
	} {
		r := NewReader(bytes.NewReader(wire), nil)
		r.Limit(Early())
		_, err := r.Next()
		if name != "begun" { // its first bytes take little
			require.ErrorIs(t, err, ErrProtocol, name)
		}
		require.LessOrEqual(t, r.held, 64<<10, name)
		taken := 0
		for _, s := range r.streams {
			taken += cap(s.body)
		}
		require.Equal(t, r.held, taken, name)
	}
	whole := append(AppendUint32Message(nil, TypeSetChunkSize, 1<<20), begin(5, 64<<10)...)
	whole = append(whole[:len(whole)-128], body(64<<10)...)
	r := NewReader(bytes.NewReader(whole), nil)
	r.Limit(Early())
	_, err := r.Next()
	require.NoError(t, err)
	m, err := r.Next()
	require.NoError(t, err)
	require.Len(t, m.Body, 64<<10)
	require.Zero(t, r.held)
}

func TestAbortAndAcknowledgement(t *testing.T) {
	var w []byte
	w = append(append(w, 4, 0, 0, 1, 0, 1, 44, 8, 1, 0, 0, 0), body(300)[:128]...)
	w = AppendUint32Message(w, TypeAbort, 4)
	w = AppendUint32Message(w, TypeWindowAckSize, 100)
	w = append(append(w, 4, 0, 0, 1, 0, 0, 2, 8, 1, 0, 0, 0), 'o', 'k')
	seen := 0
	r := NewReader(bytes.NewReader(w), func(n int) { seen += n })
	for _, want := range []byte{TypeAbort, TypeWindowAckSize, TypeAudio} {
		m, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, want, m.Type)
	}
	n, due := r.AckDue()
	require.True(t, due)
	require.EqualValues(t, len(w), n)
	require.Equal(t, len(w), seen)
	_, due = r.AckDue()
	require.False(t, due)
}

func TestResizeKeepsWhatWasReadAhead(t *testing.T) {
	m := Message{Type: TypeCommandAMF0, StreamID: 1, Timestamp: 7, Body: body(1000)}
	var w []byte
	for range 5 {
		w = AppendMessage(w, 3, m, 128)
	}
	r := NewReader(bytes.NewReader(w), nil)
	for i := range 5 {
		got, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, m, got)
		if i == 1 {
			r.Resize(64)
		}
	}
}

func TestWait(t *testing.T) {
	m := Message{Type: TypeCommandAMF0, StreamID: 1, Timestamp: 7, Body: body(1000)}
	r := NewReader(bytes.NewReader(AppendMessage(nil, 3, m, 128)), nil)
	r.Resize(16)
	require.NoError(t, r.Wait())
	require.NoError(t, r.Wait())
	got, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, m, got)
	require.Equal(t, io.EOF, r.Wait())
}

func TestHostileChunks(t *testing.T) {
	many := []byte{}
	for id := range MaxStreams + 1 {
		many = append(many, basic(0, 64+id)...)
		many = append(many, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0)
	}
	for name, w := range map[string][]byte{
		"too long":          {4, 0, 0, 0, 255, 255, 255, 9, 1, 0, 0, 0, 'x'}, // 16 MiB - 1 is allowed, but ends early
		"chunk size 0":      AppendUint32Message(nil, TypeSetChunkSize, 0),
		"short control":     {2, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 1, 2},
		"begins with 3":     {3<<6 | 4, 1, 2, 3},
		"begins with 2":     {2<<6 | 4, 1, 2, 3},
		"too many streams":  many,
		"length changes":    append(append([]byte{4, 0, 0, 1, 0, 1, 44, 8, 1, 0, 0, 0}, body(128)...), 4, 0, 0, 1, 0, 1, 45, 8, 1, 0, 0, 0),
		"header ends early": {4, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(w), nil)
			var err error
			for err == nil {
				_, err = r.Next()
			}
			switch name {
			case "too long", "header ends early":
				require.NotErrorIs(t, err, ErrProtocol)
			default:
				require.ErrorIs(t, err, ErrProtocol)
			}
		})
	}
}

// What a peer claims must cost no memory before it is sent.
func TestClaimsCostNothing(t *testing.T) {
	var w []byte
	for id := range 60 {
		w = append(w, basic(0, 64+id)...)
		w = append(w, 0, 0, 0, 255, 255, 255, 9, 1, 0, 0, 0)
		w = append(w, body(128)...)
	}
	r := NewReader(bytes.NewReader(w), nil)
	_, err := r.Next()
	require.Equal(t, io.EOF, err)
	held := 0
	for _, s := range r.streams {
		held += cap(s.body)
	}
	require.LessOrEqual(t, held, 60*Full().First)
}

func aggregated(m Message) (list []Message, err error) {
	for part, err := range Aggregated(m) {
		if err != nil {
			return list, err
		}
		list = append(list, part)
	}
	return list, nil
}

func TestAggregate(t *testing.T) {
	tag := func(typ byte, stamp uint32, b []byte) []byte {
		out := []byte{typ, byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b)), byte(stamp >> 16), byte(stamp >> 8), byte(stamp), byte(stamp >> 24), 0, 0, 0}
		return binary.BigEndian.AppendUint32(append(out, b...), uint32(11+len(b)))
	}
	m := Message{Type: TypeAggregate, StreamID: 1, Timestamp: 5000, Body: append(tag(9, 100, []byte("v")), tag(8, 123, []byte("a"))...)}
	got, err := aggregated(m)
	require.NoError(t, err)
	require.Equal(t, []Message{{9, 1, 5000, []byte("v")}, {8, 1, 5023, []byte("a")}}, got)
	for _, n := range []int{1, 10, 11} {
		_, err = aggregated(Message{Body: m.Body[:n]})
		require.ErrorIs(t, err, ErrProtocol)
	}
	m.Body = m.Body[:len(m.Body)-4] // some leave out the last back pointer
	got, err = aggregated(m)
	require.NoError(t, err)
	require.Len(t, got, 2)
}

func FuzzReader(f *testing.F) {
	w := AppendUint32Message(nil, TypeSetChunkSize, 64)
	w = AppendMessage(w, 6, Message{Type: TypeVideo, StreamID: 1, Timestamp: 0x1000000, Body: body(300)}, 64)
	f.Add(w)
	f.Add(append(basic(0, 65599), 0, 0, 100, 0, 0, 3, 22, 1, 0, 0, 0, 'a', 'b', 'c'))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b), nil)
		for {
			m, err := r.Next()
			if err != nil {
				return
			}
			require.LessOrEqual(t, len(m.Body), len(b))
			if m.Type == TypeAggregate {
				_, _ = aggregated(m)
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	w := AppendUint32Message(nil, TypeSetChunkSize, 4096)
	for range 100 {
		w = AppendMessage(w, 6, Message{Type: TypeVideo, StreamID: 1, Timestamp: rand.Uint32N(1 << 20), Body: body(10000)}, 4096)
	}
	b.SetBytes(int64(len(w)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(w), nil)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
