package mpegps

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/mpegps/dialect"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// scene is what devices send.
type scene struct {
	tracks  []*media.Track
	packets []*media.Packet
	reorder bool // pictures are not shown in the order in which they are decoded
}

func sceneOf(pictures, sound []*media.Packet) scene {
	all := slices.Concat(pictures, sound)
	slices.SortStableFunc(all, func(a, b *media.Packet) int { return int(a.DTS - b.DTS) })
	return scene{tracks: []*media.Track{pictures[0].Track, sound[0].Track}, packets: all}
}

// talk is G.711 in packets of 40 ms.
func talk(d time.Duration, codec media.Codec) (list []*media.Packet) {
	random := rand.New(rand.NewPCG(8, 9))
	track := &media.Track{ID: 9, Codec: codec, SampleRate: 8000, Channels: 1, ClockRate: 8000}
	for at := 7 * time.Millisecond; at < d; at += 40 * time.Millisecond {
		p := &media.Packet{Track: track, DTS: at, PTS: at, Data: make([]byte, 320)}
		for i := range p.Data {
			p.Data[i] = byte(random.IntN(256))
		}
		list = append(list, p)
	}
	return list
}

// scenes are pictures of H.264, small and large, and of H.265, with sound.
func scenes(t testing.TB) map[string]scene {
	const pictures = 60
	small := onlyOf(load(t, testmedia.H264()), true)
	all := map[string]scene{
		"H264":  sceneOf(small[:pictures], talk(pictures*40*time.Millisecond, media.G711A)),
		"G711U": sceneOf(small[:pictures], talk(pictures*40*time.Millisecond, media.G711U)), // which nobody can guess
	}

	reordered := load(t, testmedia.H264B())
	x := sceneOf(onlyOf(reordered, true)[:pictures], onlyOf(reordered, false)[:pictures])
	x.reorder = true
	all["B-frames"] = x

	var hevc []*media.Packet
	s := elementary.New(media.Track{ID: 1, Codec: media.H265}, func(p *media.Packet) error {
		hevc = append(hevc, p)
		return nil
	})
	require.NoError(t, s.Push(testmedia.H265(), elementary.Stamp{Given: true}))
	require.NoError(t, s.Flush())
	all["H265"] = sceneOf(hevc[:pictures], talk(pictures*40*time.Millisecond, media.G711A))

	random := rand.New(rand.NewPCG(3, 4))
	var large []*media.Packet
	for i := range 12 {
		at := time.Duration(i) * 40 * time.Millisecond
		p := &media.Packet{Track: small[0].Track, DTS: at, PTS: at, Key: i%6 == 0}
		head, size := []byte{0x41, 0x9a}, 66_000
		if p.Key {
			head, size = []byte{0x65, 0x88}, 200_000
		}
		for _, n := range []int{size, 30_000} { // two slices
			unit := append(bytes.Clone(head), make([]byte, n+random.IntN(1000))...)
			for i := 2; i < len(unit); i++ {
				unit[i] = byte(1 + random.IntN(255))
			}
			p.Data = append(binary.BigEndian.AppendUint32(p.Data, uint32(len(unit))), unit...)
			head = []byte{head[0], 0x48} // not the first
		}
		large = append(large, p)
	}
	all["large"] = sceneOf(large, talk(480*time.Millisecond, media.G711A))
	return all
}

func load(t testing.TB, flv []byte) []*media.Packet {
	_, packets := reel.Load(t, flv)
	return packets
}

// play has a demuxer take what a device sends, in RTP packets.
func play(t testing.TB, runs []dialect.Run, warn func(error)) *collected {
	c := &collected{}
	d := NewDemuxer(c, warn)
	for _, r := range runs {
		d.At(3*time.Hour + r.At)
		for part := range slices.Chunk(r.Data, 1400) {
			_, err := d.Write(part)
			require.NoError(t, err)
		}
	}
	require.NoError(t, d.Close())
	return c
}

// Of each device all pictures and all sound come as they were, when they are due.
func TestDialects(t *testing.T) {
	all := scenes(t)
	dialects := dialect.All()
	require.GreaterOrEqual(t, len(dialects), 30)
	for _, d := range dialects {
		for name, s := range all {
			if s.reorder && d.NoDTS || d.NoMap && s.tracks[1].Codec == media.G711U {
				continue
			}
			t.Run(d.Name+", "+name, func(t *testing.T) {
				t.Parallel()
				var said []string
				got := play(t, d.Write(s.tracks, s.packets), func(err error) { said = append(said, err.Error()) })
				first := map[bool]time.Duration{}
				for i, video := range []bool{true, false} {
					want := onlyOf(s.packets, video)
					if !d.Takes(s.tracks[i]) {
						require.Empty(t, got.of(video))
						continue
					}
					require.NotEmpty(t, got.of(video), said)
					sameMedia(t, want, got.of(video))
					first[video] = got.of(video)[0].PTS - want[0].PTS
				}
				if !d.NoSound && !d.NoPictures {
					allowed := float64(time.Millisecond)
					if d.Loose {
						allowed = float64(100 * time.Millisecond)
					}
					require.InDelta(t, first[true], first[false], allowed, "sound and pictures are apart")
				}
				if d.LeftOut == "" {
					require.Empty(t, said)
					return
				}
				require.Len(t, said, 1)
				require.Contains(t, said[0], d.LeftOut)
			})
		}
	}
}

// Where a packet is lost, no picture comes of which a part is missing, or which may refer to one; and the stream goes on.
func TestDialectsWithLosses(t *testing.T) {
	all := scenes(t)
	for i, d := range dialect.All() {
		for _, name := range []string{"H264", "large"} {
			s := all[name]
			t.Run(d.Name+", "+name, func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(uint64(i), 77))
				c := &collected{}
				demuxer := NewDemuxer(c, func(error) {})
				runs := d.Write(s.tracks, s.packets)
				parts := 0
				for _, r := range runs {
					parts += 1 + len(r.Data)/1400
				}
				lost := 0
				for n, r := range runs {
					demuxer.At(r.At)
					for part := range slices.Chunk(r.Data, 1400) {
						if n > 4 && (random.IntN(parts) < 3 || n == len(runs)/2 && lost == 0) {
							demuxer.Lose()
							lost++
							continue
						}
						_, err := demuxer.Write(part)
						require.NoError(t, err)
					}
				}
				require.NoError(t, demuxer.Close())
				require.NotZero(t, lost)
				if !d.NoPictures {
					got := partsOf(t, onlyOf(s.packets, true), c.of(true))
					require.NotZero(t, got)
				}
				if !d.NoSound {
					require.Greater(t, len(c.of(false)), len(onlyOf(s.packets, false))/2)
				}
			})
		}
	}
}

// partsOf checks that pictures are those that were sent, in their order, and that those behind a gap begin with one to begin with. It returns
// how many there are.
func partsOf(t testing.TB, want, got []*media.Packet) int {
	t.Helper()
	next := 0
	for i, p := range got {
		at := next
		for at < len(want) && !bytes.Equal(plain(want[at]), plain(p)) {
			at++
		}
		require.Less(t, at, len(want), "picture %d was never sent", i)
		require.True(t, at == next || p.Key, "picture %d comes although some in front of it are missing", i)
		next = at + 1
	}
	return len(got)
}

// Who comes to a stream that is under way gets all from the next picture to begin with.
func TestDialectsFromTheMiddle(t *testing.T) {
	s := scenes(t)["H264"]
	for i, d := range dialect.All() {
		if d.NoPictures {
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(i), 78))
			runs := d.Write(s.tracks, s.packets)
			runs = runs[1+random.IntN(len(runs)/3):]
			runs[0].Data = runs[0].Data[random.IntN(len(runs[0].Data)):]
			got := play(t, runs, func(error) {})
			want := onlyOf(s.packets, true)
			keys := slices.IndexFunc(want[1:], func(p *media.Packet) bool { return p.Key }) + 1
			require.NotZero(t, keys)
			pictures := withoutTheFirst(t, got.of(true), 0xe1)
			sameMedia(t, want[keys:], pictures)
			if !d.NoSound {
				if d.LeftOut == "" {
					require.Greater(t, len(got.of(false)), len(onlyOf(s.packets, false))/2)
				}
				sound := withoutTheFirst(t, got.of(false), 0xc1)
				require.Contains(t, onlyData(onlyOf(s.packets, false)), string(sound[0].Data))
			}
		})
	}
}

// withoutTheFirst drops the packets of a stream that was there before the one that a map tells of, and checks that none come behind.
func withoutTheFirst(t testing.TB, packets []*media.Packet, id int) []*media.Packet {
	n := slices.IndexFunc(packets, func(p *media.Packet) bool { return p.Track.ID != id })
	require.GreaterOrEqual(t, n, 0)
	for _, p := range packets[n:] {
		require.NotEqual(t, id, p.Track.ID)
	}
	return packets[n:]
}

func onlyData(packets []*media.Packet) (list []string) {
	for _, p := range packets {
		list = append(list, string(p.Data))
	}
	return list
}

// sameMedia is samePackets of which all that differs is said in a line.
func sameMedia(t testing.TB, want, got []*media.Packet) {
	t.Helper()
	require.Equal(t, want[0].Track.Codec, got[0].Track.Codec)
	for i := range min(len(want), len(got)) {
		diff := got[i].PTS - got[0].PTS - want[i].PTS + want[0].PTS
		require.True(t, bytes.Equal(plain(want[i]), plain(got[i])), "packet %d of %d: %d bytes for %d", i, len(want), len(got[i].Data), len(want[i].Data))
		require.Equal(t, want[i].Key, got[i].Key, i)
		require.True(t, diff.Abs() < time.Millisecond, fmt.Sprintf("packet %d of %d is %v late", i, len(want), diff))
	}
	require.Len(t, got, len(want))
}
