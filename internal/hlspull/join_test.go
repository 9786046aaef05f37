package hlspull

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/internal/pace"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// received is what a pull has handed on.
type received struct {
	tracks  []*media.Track
	told    int
	packets []*media.Packet
	at      []time.Time
}

func (r *received) SetTracks(tracks ...*media.Track) error {
	r.tracks = tracks
	r.told++
	return nil
}

func (r *received) WritePacket(p *media.Packet) error {
	if !slices.ContainsFunc(r.tracks, func(t *media.Track) bool { return t.ID == p.Track.ID }) {
		return errors.New("a packet of a track that nobody has told of")
	}
	r.packets = append(r.packets, p)
	r.at = append(r.at, time.Now())
	return nil
}

func (r *received) of(video bool) (list []*media.Packet) {
	for _, p := range r.packets {
		if p.Track.Codec.Video() == video {
			list = append(list, p)
		}
	}
	return list
}

// clip is a clip of which segments are made.
type clip struct{ video, sound []*media.Packet }

func loadClip(t testing.TB) clip {
	t.Helper()
	_, packets := reel.Load(t, testmedia.H264())
	var c clip
	for _, p := range packets {
		if p.Track.Codec.Video() {
			c.video = append(c.video, p)
		} else {
			c.sound = append(c.sound, p)
		}
	}
	return c
}

// later returns packets with other stamps.
func later(packets []*media.Packet, by time.Duration) (list []*media.Packet) {
	for _, p := range packets {
		q := *p
		q.DTS += by
		q.PTS += by
		list = append(list, &q)
	}
	return list
}

// transport makes a segment of MPEG-TS.
func transport(t testing.TB, packets []*media.Packet) []byte {
	t.Helper()
	var tracks []*media.Track
	for _, p := range packets {
		if !slices.Contains(tracks, p.Track) {
			tracks = append(tracks, p.Track)
		}
	}
	slices.SortFunc(tracks, func(a, b *media.Track) int { return a.ID - b.ID }) // in each segment the same
	m := mpegts.NewMuxer()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(t, err)
	var w segmentBytes
	for i, p := range packets {
		require.NoError(t, m.WritePacket(&w, p, i == 0))
	}
	return w
}

type segmentBytes []byte

func (w *segmentBytes) Tail(int) []byte     { return nil }
func (w *segmentBytes) Write(c media.Chunk) { *w = append(*w, c.Data...) }

// adts makes a segment of packed audio.
func adts(packets []*media.Packet, more time.Duration) []byte {
	tag := append([]byte("PRIV\x00\x00\x00\x35\x00\x00"), stampOwner...)
	tag = binary.BigEndian.AppendUint64(tag, uint64((packets[0].DTS+more)*9/100000)&(1<<33-1))
	b := append([]byte("ID3\x04\x00\x00\x00\x00\x00"), byte(len(tag)))
	b = append(b, tag...)
	for _, p := range packets {
		config := p.Track.Config
		n := len(p.Data) + 7
		b = append(b, 0xff, 0xf1, (config[0]>>3-1)<<6|(config[0]&7<<1|config[1]>>7)<<2|config[1]>>5&1, config[1]>>3&3<<6|byte(n>>11), byte(n>>3),
			byte(n<<5)|0x1f, 0xfc)
		b = append(b, p.Data...)
	}
	return b
}

// parts cuts packets into as many parts.
func parts(packets []*media.Packet, count int) (list [][]*media.Packet) {
	return slices.Collect(slices.Chunk(packets, (len(packets)+count-1)/count))
}

// disk has what can be got, by name; some takes its time.
type disk struct {
	files  map[string][]byte
	delays map[string]time.Duration
}

func (d *disk) get(ctx context.Context, u string, _, _, limit int64) ([]byte, *url.URL, error) {
	at, err := url.Parse(u)
	if err != nil {
		return nil, nil, err
	}
	name := path.Base(at.Path)
	select {
	case <-time.After(d.delays[name]):
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	data, ok := d.files[name]
	switch {
	case !ok:
		return nil, nil, fmt.Errorf("there is no %s", name)
	case int64(len(data)) > limit:
		return nil, nil, fmt.Errorf("%s is too long", name)
	}
	return bytes.Clone(data), at, nil
}

// vod adds a playlist of segments, each behind some tags, that is all there is.
func (d *disk) vod(name, head string, segments ...[]byte) {
	list := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
	for i, data := range segments {
		file := fmt.Sprintf("%s%d", name, i)
		d.files[file] = data
		if i > 0 {
			list += head
		}
		list += "#EXTINF:2,\n" + file + "\n"
	}
	d.files[name+".m3u8"] = []byte(list + "#EXT-X-ENDLIST\n")
}

// idle is how long a pull waits for media.
const idle = 15 * time.Second

const withSound = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"none.m3u8\"\n" +
	"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"y\",DEFAULT=YES,URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv.m3u8\n"

// run pulls what a disk has, and returns what has come, what was said, and how long it took.
func run(t *testing.T, d *disk, text string) (got *received, said []string, err error) {
	t.Helper()
	got = &received{}
	err = Run(t.Context(), base(t), []byte(text), Config{
		Get: d.get, Sink: got, Idle: idle, Warn: func(err error) { said = append(said, err.Error()) },
	})
	return got, said, err
}

// requireAll requires that all has come, with the stamps that it had, later by something.
func requireAll(t *testing.T, want, got []*media.Packet, by time.Duration) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, p := range want {
		require.InDelta(t, p.DTS+by, got[i].DTS, float64(time.Millisecond), "packet %d", i)
		if !p.Track.Codec.Video() {
			require.Equal(t, p.Data, got[i].Data)
		}
	}
}

// tsDelay is how much later stamps are in MPEG-TS.
const tsDelay = 700 * time.Millisecond

// The sound of a playlist of its own comes with the pictures, in one order, at their pace, whatever the forms of segments are and however
// the stamps have wrapped in between.
func TestSoundOfItsOwn(t *testing.T) {
	c := loadClip(t)
	const wrap = roundTrip - tsDelay - 30*time.Millisecond // the first picture is before, the rest behind
	for name, x := range map[string]struct {
		pictures, sound [][]byte
		by, soundBy     time.Duration
	}{
		"MPEG-TS": {
			pictures: segments(t, c.video, 3, 0), sound: segments(t, c.sound, 4, 0), by: tsDelay, soundBy: tsDelay,
		},
		"packed": {
			pictures: segments(t, c.video, 3, 0), sound: packedSegments(c.sound, 2, tsDelay), by: tsDelay, soundBy: tsDelay,
		},
		"a wrap between": {
			pictures: segments(t, c.video, 3, wrap), sound: segments(t, c.sound[3:], 2, wrap), by: wrap + tsDelay, soundBy: wrap + tsDelay,
		},
		"a wrap in packed": {
			pictures: segments(t, c.video, 3, wrap), sound: packedSegments(c.sound[3:], 5, wrap+tsDelay), by: wrap + tsDelay, soundBy: wrap + tsDelay,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &disk{files: map[string][]byte{}}
				d.vod("v", "", x.pictures...)
				d.vod("a", "", x.sound...)
				began := time.Now()
				got, said, err := run(t, d, withSound)
				require.NoError(t, err)
				require.Empty(t, said)
				require.Equal(t, 1, got.told)
				require.Len(t, got.tracks, 2)
				if by := got.of(true)[0].DTS - c.video[0].DTS; by < 0 { // which playlist was there first says on which side of the turn it is
					x.by, x.soundBy = x.by-roundTrip, x.soundBy-roundTrip
				}
				requireAll(t, c.video, got.of(true), x.by)
				sound := c.sound
				if strings.HasPrefix(name, "a wrap") {
					sound = sound[3:]
				}
				requireAll(t, sound, got.of(false), x.soundBy)
				require.True(t, slices.IsSortedFunc(got.packets, func(a, b *media.Packet) int { return int(a.DTS - b.DTS) }))
				first, last := got.packets[0], got.packets[len(got.packets)-1]
				require.InDelta(t, last.DTS-first.DTS, time.Since(began), float64(100*time.Millisecond))
			})
		})
	}
}

func segments(t testing.TB, packets []*media.Packet, count int, by time.Duration) (list [][]byte) {
	t.Helper()
	for _, part := range parts(later(packets, by), count) {
		list = append(list, transport(t, part))
	}
	return list
}

func packedSegments(packets []*media.Packet, count int, by time.Duration) (list [][]byte) {
	for _, part := range parts(packets, count) {
		list = append(list, adts(part, by))
	}
	return list
}

// Where stamps begin anew in both playlists, nothing of the new ones is played before all of the old ones.
func TestSoundOverDiscontinuity(t *testing.T) {
	c := loadClip(t)
	synctest.Test(t, func(t *testing.T) {
		d := &disk{files: map[string][]byte{}}
		d.vod("v", "#EXT-X-DISCONTINUITY\n", transport(t, later(c.video, time.Hour)), transport(t, c.video))
		d.vod("a", "#EXT-X-DISCONTINUITY\n", transport(t, later(c.sound, time.Hour)), transport(t, c.sound))
		got, said, err := run(t, d, withSound)
		require.NoError(t, err)
		require.Empty(t, said)
		requireAll(t, slices.Concat(later(c.video, time.Hour), c.video), got.of(true), tsDelay)
		requireAll(t, slices.Concat(later(c.sound, time.Hour), c.sound), got.of(false), tsDelay)
		turns := 0
		for i, p := range got.packets[1:] {
			if was := got.packets[i]; (p.DTS - was.DTS).Abs() > time.Minute {
				turns++
			}
		}
		require.Equal(t, 1, turns)
	})
}

// Where only one of two playlists has a discontinuity, or their stamps have nothing to do with each other, both go on, and not late.
func TestSoundApart(t *testing.T) {
	c := loadClip(t)
	length := c.video[len(c.video)-1].DTS
	for name, x := range map[string]struct {
		head string
		by   time.Duration
		said []string
	}{
		"one discontinuity": {head: "#EXT-X-DISCONTINUITY\n"},
		"other stamps":      {by: time.Hour, said: []string{pace.ErrApart.Error()}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &disk{files: map[string][]byte{}}
				d.vod("v", "", segments(t, c.video, 3, 0)...)
				d.vod("a", x.head, segments(t, c.sound, 3, x.by)...)
				began := time.Now()
				got, said, err := run(t, d, withSound)
				require.NoError(t, err)
				require.Equal(t, x.said, said)
				requireAll(t, c.video, got.of(true), tsDelay)
				requireAll(t, c.sound, got.of(false), tsDelay+x.by)
				require.Less(t, time.Since(began), length+2*latest+time.Second)
			})
		})
	}
}

// Sound that does not come holds the pictures for a time only, and comes late.
func TestSoundStops(t *testing.T) {
	c := loadClip(t)
	length := c.video[len(c.video)-1].DTS
	for _, late := range []string{"a0", "a1"} {
		t.Run(late, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &disk{files: map[string][]byte{}, delays: map[string]time.Duration{late: 12 * time.Second}}
				d.vod("v", "", segments(t, c.video, 3, 0)...)
				d.vod("a", "", segments(t, c.sound, 3, 0)...)
				began := time.Now()
				got, _, err := run(t, d, withSound)
				require.NoError(t, err)
				requireAll(t, c.video, got.of(true), tsDelay)
				requireAll(t, c.sound, got.of(false), tsDelay)
				for i, p := range got.packets {
					if p == got.of(true)[len(c.video)-1] {
						require.Less(t, got.at[i].Sub(began), length+latestFirst+time.Second)
					}
				}
			})
		})
	}
}

// A playlist that fails, or whose sound is beside the pictures as well.
func TestSoundIsOdd(t *testing.T) {
	c := loadClip(t)
	both := slices.SortedFunc(slices.Values(slices.Concat(c.video, c.sound)), func(a, b *media.Packet) int { return int(a.DTS - b.DTS) })
	t.Run("twice", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{files: map[string][]byte{}}
			d.vod("v", "", transport(t, both))
			d.vod("a", "", transport(t, both))
			got, said, err := run(t, d, withSound)
			require.NoError(t, err)
			require.ElementsMatch(t, []string{errTwice.Error(), errNoSound.Error()}, said)
			require.Len(t, got.tracks, 2)
			requireAll(t, c.video, got.of(true), tsDelay)
			requireAll(t, c.sound, got.of(false), tsDelay)
		})
	})
	t.Run("none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{files: map[string][]byte{}}
			d.vod("v", "", segments(t, c.video, 3, 0)...)
			_, _, err := run(t, d, withSound)
			require.ErrorContains(t, err, "there is no a.m3u8")
		})
	})
	t.Run("a file", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{files: map[string][]byte{}}
			d.vod("v", "", segments(t, c.video, 3, 0)...)
			_, _, err := run(t, d, strings.ReplaceAll(withSound, "a.m3u8", "file:///etc/a.m3u8"))
			require.ErrorContains(t, err, `the URI "file:///etc/a.m3u8"`)
		})
	})
	t.Run("no segments", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{files: map[string][]byte{}}
			d.vod("v", "", segments(t, c.video, 3, 0)...)
			d.vod("a", "")
			_, _, err := run(t, d, withSound)
			require.ErrorIs(t, err, errNothing)
		})
	})
	t.Run("without stamps", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{files: map[string][]byte{}}
			d.vod("v", "", adts(c.sound, 0)[73:])
			_, _, err := run(t, d, strings.ReplaceAll(withSound, `,AUDIO="a"`, ""))
			require.ErrorIs(t, err, errUnstamped)
		})
	})
}

// Which rendition is played.
func TestRenditions(t *testing.T) {
	tag := func(group, more string) string {
		return "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"" + group + "\",NAME=\"n\"" + more + "\n"
	}
	for want, text := range map[string]string{
		"first": tag("b", ",DEFAULT=YES,URI=\"no\"") + tag("a", ",URI=\"first\"") + tag("a", ",URI=\"second\""),
		"auto":  tag("a", ",URI=\"first\"") + tag("a", ",AUTOSELECT=YES,URI=\"auto\""),
		"best":  tag("a", ",AUTOSELECT=YES,URI=\"auto\"") + tag("a", ",DEFAULT=YES,AUTOSELECT=YES,URI=\"best\""),
		"":      tag("a", ",DEFAULT=YES") + tag("a", ",URI=\"first\"") + "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"a\",URI=\"text\"\n",
	} {
		p, err := parse([]byte("#EXTM3U\n"+text), base(t))
		require.NoError(t, err)
		require.Equal(t, want, p.sound(variant{sound: "a"}).uri)
		require.Nil(t, p.sound(variant{sound: "c"}))
		require.Nil(t, p.sound(variant{}))
	}
	_, err := parse([]byte("#EXTM3U\n"+strings.Repeat(tag("a", ""), maxRenditions+1)), base(t))
	require.ErrorIs(t, err, errPlaylist)
}

// The tags in front of packed audio, whole and cut.
func FuzzTakeTags(f *testing.F) {
	c := loadClip(f)
	whole := adts(c.sound[:2], 0)
	f.Add(whole)
	f.Add(append(bytes.Clone(whole[:73]), whole...))
	f.Fuzz(func(t *testing.T, b []byte) {
		stamp, _, rest := takeTags(b)
		require.GreaterOrEqual(t, stamp, int64(0))
		require.Less(t, stamp, int64(1)<<33)
		require.LessOrEqual(t, len(rest), len(b))
		require.True(t, bytes.HasSuffix(b, rest))
	})
}
