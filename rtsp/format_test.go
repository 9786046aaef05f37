package rtsp

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rtp/depacketizer"
	"github.com/sluice-media/sluice/media"
)

func frames(channel byte, sizes ...int) []byte {
	var b []byte
	for i, n := range sizes {
		b = append(b, '$', channel, byte(n>>8), byte(n))
		for range n {
			b = append(b, byte(i))
		}
	}
	return b
}

// Frames of one size and a shorter one at the end are one run; all else begins another.
func TestRuns(t *testing.T) {
	type run struct {
		channel byte
		unit    int
		bytes   int
	}
	many := make([]int, 130)
	for i := range many {
		many[i] = 10
	}
	for name, c := range map[string]struct {
		in   []byte
		want []run
	}{
		"one":             {frames(0, 100), []run{{0, 100, 100}}},
		"short at end":    {frames(0, 100, 100, 40), []run{{0, 100, 240}}},
		"after the short": {frames(0, 100, 40, 40), []run{{0, 100, 140}, {0, 40, 40}}},
		"longer":          {frames(0, 40, 100, 100), []run{{0, 40, 40}, {0, 100, 200}}},
		"two channels":    {append(frames(1, 28), frames(2, 28, 28)...), []run{{1, 28, 28}, {2, 28, 56}}},
		"too many":        {frames(0, many...), []run{{0, 10, 640}, {0, 10, 640}, {0, 10, 20}}},
		"too large":       {frames(0, 30000, 30000, 30000), []run{{0, 30000, 60000}, {0, 30000, 30000}}},
		"none":            {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []run
			var all []byte
			for b := appendRuns(nil, c.in); len(b) > 0; {
				r := run{}
				var packets []byte
				r.channel, r.unit, packets, b = takeRun(b)
				r.bytes = len(packets)
				all = append(all, packets...)
				got = append(got, r)
			}
			require.Equal(t, c.want, got)
			var sent []byte
			for b := c.in; len(b) > 0; {
				n := 4 + int(b[2])<<8 + int(b[3])
				sent, b = append(sent, b[4:n]...), b[n:]
			}
			require.Equal(t, sent, all)
		})
	}
}

// Over UDP, audio frames share datagrams and go out with a picture; none is lost, late or out of order.
func TestAudioSharesDatagrams(t *testing.T) {
	var f formats
	f.init(1400)
	l := noTracks()
	l.channels[0], l.channels[1], l.datagrams = 0, 2, true
	video := &media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}
	audio := &media.Track{ID: 2, Codec: media.AAC, ClockRate: 44100, SampleRate: 44100, Channels: 2, Config: []byte{0x12, 0x10}}
	m := f.get(l).New()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: []*media.Track{video, audio}, Epoch: time.Now()})
	require.NoError(t, err)
	d, err := depacketizer.New(depacketizer.Source{Track: audio, PayloadType: 97})
	require.NoError(t, err)
	sent, got, packets := 0, 0, 0
	var first uint32
	for i := range 500 { // of 10 ms
		at := time.Duration(i) * 10 * time.Millisecond
		var chunk []byte
		for time.Duration(sent)*1024*time.Second/44100 <= at {
			stamp := (time.Duration(sent) * 1024 * time.Second / 44100).Truncate(time.Millisecond) // as RTMP has it
			chunk, err = m.AppendPacket(chunk, &media.Packet{Track: audio, DTS: stamp, PTS: stamp, Data: []byte{byte(sent), byte(sent >> 8), 3}})
			require.NoError(t, err)
			sent++
		}
		if i%4 == 0 {
			chunk, err = m.AppendPacket(chunk, &media.Packet{Track: video, DTS: at, PTS: at, Data: make([]byte, 5000)})
			require.NoError(t, err)
		}
		for len(chunk) > 0 {
			channel, unit, run, rest := takeRun(chunk)
			chunk = rest
			for channel == 2 && len(run) > 0 {
				var p rtp.Packet
				n := min(unit, len(run))
				require.NoError(t, p.Unmarshal(run[:n]))
				run = run[n:]
				units, err := d.Push(&p, false)
				require.NoError(t, err)
				packets++
				for _, u := range units {
					if got == 0 {
						first = u.Stamp
					}
					require.Equal(t, []byte{byte(got), byte(got >> 8), 3}, u.Data)
					require.InDelta(t, got*1024, int(u.Stamp-first), 44.1*2)
					got++
				}
			}
		}
		require.LessOrEqual(t, sent-got, 3)
	}
	require.Less(t, packets, sent*2/3)
}

func TestTarget(t *testing.T) {
	for in, want := range map[string]struct {
		app, name, params string
		track             int
	}{
		"rtsp://h:554/live/a":                    {"live", "a", "", -1},
		"rtsp://h/live/a/":                       {"live", "a", "", -1},
		"rtsp://h/live/a/trackID=1":              {"live", "a", "", 1},
		"rtsp://h/live/a/b?k=v&x=1":              {"live", "a/b", "k=v&x=1", -1},
		"rtsp://h/live/a?k=v/trackID=0":          {"live", "a", "k=v", 0},
		"rtsp://h/live/a?k=v/":                   {"live", "a", "k=v", -1},
		"rtsp://u:p@h/live/%E4%BD%A0/trackID=0/": {"live", "你", "", 0},
		"rtsp://h/live/a/trackID=99":             {"live", "a/trackID=99", "", -1},
		"/live/a/trackID=2":                      {"live", "a", "", 2},
	} {
		got, ok := parseTarget(in, false)
		require.True(t, ok, in)
		require.Equal(t, want.app, got.key.App, in)
		require.Equal(t, want.name, got.key.Name, in)
		require.Equal(t, want.params, got.params, in)
		require.Equal(t, want.track, got.track, in)
	}
	for _, in := range []string{"*", "", "rtsp://h", "rtsp://h/live", "rtsp://h//", "rtsp://h/live?a=b"} {
		_, ok := parseTarget(in, false)
		require.False(t, ok, in)
	}
	got, _ := parseTarget("rtsp://user:pw@cam.example:554/live/a", true)
	require.Equal(t, "cam.example", got.key.VHost)
	got, _ = parseTarget("rtsp://10.0.0.1/live/a?vhost=v", true)
	require.Equal(t, "v", got.key.VHost)
}
