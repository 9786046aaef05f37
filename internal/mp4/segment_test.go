package mp4

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/fmp4"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// whole reads a content, and again in pieces that are not its own.
func whole(t testing.TB, c *Content) []byte {
	t.Helper()
	b := make([]byte, c.Size())
	n, err := c.ReadAt(b, 0)
	require.NoError(t, err)
	require.EqualValues(t, c.Size(), n)
	_, err = c.ReadAt(make([]byte, 1), c.Size())
	require.ErrorIs(t, err, io.EOF)
	odd := make([]byte, 997)
	for at := int64(3); at < c.Size(); at += 991 {
		n, err := c.ReadAt(odd, at)
		if n < len(odd) {
			require.ErrorIs(t, err, io.EOF)
		}
		require.True(t, bytes.Equal(b[at:][:n], odd[:n]))
	}
	return b
}

// inSegments puts all segments of a file together.
func inSegments(t testing.TB, f *File, list []Range) []byte {
	t.Helper()
	out := f.Init()
	for _, r := range list {
		c, err := f.Segment(r, 0)
		require.NoError(t, err)
		out = append(out, whole(t, c)...)
	}
	return out
}

// least is how long the segments of tests are.
const least = 400 * time.Millisecond

// The segments of a file have what it has, whatever its kind, and begin with key frames.
func TestSegments(t *testing.T) {
	for name, load := range films(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := load(t)
			fragmented := mux(t, want.tracks, want.packets).file
			for _, data := range [][]byte{fragmented, finish(t, fragmented, FinishOptions{})} {
				f := openFile(t, data)
				list := slices.Collect(f.Cut(f.Range(0, f.Duration()), least))
				if len(f.lead().table.sync) != 1 {
					require.Greater(t, len(list), 1)
				}
				require.Zero(t, list[0].First)
				sum := time.Duration(0)
				for i, r := range list {
					sum += r.Length
					if i > 0 {
						require.Equal(t, list[i-1].End, r.First)
						require.Equal(t, f.Cursor().Seek(r.Start), r.Start)
					}
					if i < len(list)-1 {
						require.GreaterOrEqual(t, r.Length, least)
					}
				}
				require.InDelta(t, f.Duration(), sum, float64(100*time.Millisecond))
				out := inSegments(t, f, list)
				g := openFile(t, out)
				sameTracks(t, f.Tracks(), g.Tracks())
				samePackets(t, film{f.Tracks(), readAll(t, f.Cursor())}, readAll(t, g.Cursor()), time.Microsecond)
				sameHashes(t, want.tracks, data, out)
			}
		})
	}
}

// A range begins with the key frame at or before its beginning.
func TestRange(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264B())
	f := openFile(t, finish(t, mux(t, tracks, packets).file, FinishOptions{}))
	r := f.Range(2500*time.Millisecond, 3700*time.Millisecond)
	require.Equal(t, f.Cursor().Seek(2500*time.Millisecond), r.Start)
	require.InDelta(t, 3700*time.Millisecond, r.Start+r.Length, float64(40*time.Millisecond))
	got := byTrack(readAll(t, openFile(t, inSegments(t, f, []Range{r})).Cursor()))
	require.True(t, got[0][0].Key)
	require.Len(t, got[0], int(r.End-r.First))
	require.InDelta(t, got[0][len(got[0])-1].DTS, got[1][len(got[1])-1].DTS, float64(60*time.Millisecond))

	for _, none := range [][2]time.Duration{{1, 1}, {5, 1}, {1, -1}} {
		require.Zero(t, f.Range(none[0]*time.Second, none[1]*time.Second))
	}
	all := f.Range(-1<<63, 1<<63-1)
	require.Equal(t, f.lead().table.samples, all.End)
	for _, none := range [][2]uint32{{0, 0}, {2, 1}, {0, all.End + 1}, {all.End, all.End}, {1<<32 - 1, 1<<32 - 1}} {
		_, ok := f.Samples(none[0], none[1])
		require.False(t, ok)
	}
}

// A file that has become shorter while it is read is told.
func TestContentOfACutFile(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	data := mux(t, tracks, packets).file
	f := openFile(t, data)
	f.r = bytes.NewReader(data[:len(data)/2])
	c, err := f.Segment(f.Range(0, f.Duration()), 0)
	require.NoError(t, err)
	_, err = c.ReadAt(make([]byte, c.Size()), 0)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// join joins ranges of files.
func join(t testing.TB, files []*File, ranges []Range) *File {
	t.Helper()
	var j Joiner
	for i, f := range files {
		require.NoError(t, j.Add(f, ranges[i], f.r))
	}
	c, err := j.Content()
	require.NoError(t, err)
	return openFile(t, whole(t, c))
}

// A file that was cut and joined again is what it was.
func TestJoin(t *testing.T) {
	for name, load := range films(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := load(t)
			fragmented := mux(t, want.tracks, want.packets).file
			ordinary := finish(t, fragmented, FinishOptions{})
			f, g := openFile(t, fragmented), openFile(t, ordinary)
			list := slices.Collect(f.Cut(f.Range(0, f.Duration()), least))
			files := make([]*File, len(list))
			for i := range files {
				files[i] = []*File{f, g}[i%2]
			}
			x := join(t, files, list)
			require.False(t, x.Fragmented())
			sameTracks(t, f.Tracks(), x.Tracks())
			samePackets(t, film{f.Tracks(), readAll(t, f.Cursor())}, readAll(t, x.Cursor()), 30*time.Microsecond)
			var b bytes.Buffer
			_, err := io.Copy(&b, io.NewSectionReader(x.r, 0, x.size))
			require.NoError(t, err)
			sameHashes(t, want.tracks, fragmented, b.Bytes())
			sameAsProbed(t, probe(t, save(t, "joined.mp4", b.Bytes())), readAll(t, x.Cursor()))
		})
	}
}

// What lies between two ranges is left out, and both tracks stay in step.
func TestJoinWithAGap(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264B())
	f := openFile(t, mux(t, tracks, packets).file)
	a, b := f.Range(0, time.Second), f.Range(4*time.Second, 5*time.Second)
	x := join(t, []*File{f, f}, []Range{a, b})
	require.InDelta(t, a.Length+b.Length, x.Duration(), float64(50*time.Millisecond))
	pictures := byTrack(readAll(t, x.Cursor()))[0]
	require.Len(t, pictures, int(a.End-a.First+b.End-b.First))
	require.Equal(t, a.Length, pictures[a.End].DTS)
	require.True(t, pictures[a.End].Key)
	want := map[string]time.Duration{}
	for _, p := range packets {
		want[string(p.Data)] = p.PTS - b.Start
	}
	for _, p := range readAll(t, x.Cursor()) {
		if p.DTS > a.Length+100*time.Millisecond {
			require.InDelta(t, want[string(p.Data)]+a.Length, p.PTS+packets[0].DTS, float64(time.Millisecond))
		}
	}
}

// A file with sound behind one without has it in its place; another codec is refused, and so is too much.
func TestJoinOfUnlikeFiles(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	both := openFile(t, mux(t, tracks, packets).file)
	var alone []*media.Packet
	for _, p := range packets {
		if p.Track == tracks[0] {
			alone = append(alone, p)
		}
	}
	silent := openFile(t, mux(t, tracks[:1], alone).file)
	first, second := silent.Range(0, silent.Duration()), both.Range(0, both.Duration())
	x := join(t, []*File{silent, both}, []Range{first, second})
	require.Len(t, x.Tracks(), 2)
	sound := byTrack(readAll(t, x.Cursor()))[1]
	require.InDelta(t, first.Length, sound[0].DTS, float64(100*time.Millisecond))
	x = join(t, []*File{both, silent}, []Range{second, first})
	require.Len(t, x.Tracks(), 2)

	clip := reel.Encode(t, media.VP9)
	other := openFile(t, mux(t, []*media.Track{clip.Track}, clip.Packets).file)
	var j Joiner
	require.NoError(t, j.Add(both, second, both.r))
	require.ErrorIs(t, j.Add(other, other.Range(0, time.Hour), other.r), ErrMixed)
	j.samples = maxJoined
	require.ErrorIs(t, j.Add(both, second, both.r), ErrLong)
	_, err := new(Joiner).Content()
	require.ErrorIs(t, err, ErrEmpty)
}

// The segments of a live stream go on where the ones before end, and have the tracks of the initialization segment whether there is
// something of them or not.
func TestOpenSegment(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	m := fmp4.New(fmp4.Options{})
	init, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(t, err)
	var w fragmentBytes
	half := len(packets) / 2
	for _, p := range packets[:half] {
		require.NoError(t, m.WritePacket(&w, p, false))
	}
	first := len(w)
	for _, p := range packets[half:] {
		require.NoError(t, m.WritePacket(&w, p, false))
	}
	next := func(segment []byte) (from time.Duration) {
		b := slices.Concat(init, segment)
		f, err := OpenSegment(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err)
		require.Len(t, f.Tracks(), len(tracks))
		require.Empty(t, f.Skipped())
		p, err := f.Cursor().ReadPacket()
		if errors.Is(err, io.EOF) {
			return -1
		}
		require.NoError(t, err)
		return p.DTS
	}
	require.Equal(t, packets[0].DTS, next(w[:first]))
	require.InDelta(t, packets[half].DTS, next(w[first:]), float64(200*time.Millisecond))
	require.Equal(t, time.Duration(-1), next(nil))
	_, err = OpenSegment(bytes.NewReader(w), int64(len(w)))
	require.ErrorIs(t, err, ErrNoMovie)
}

type fragmentBytes []byte

func (w *fragmentBytes) Tail(int) []byte     { return nil }
func (w *fragmentBytes) Write(c media.Chunk) { *w = append(*w, c.Data...) }
