package ingest

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

const (
	picture = 40 * time.Millisecond
	sound   = 20 * time.Millisecond
)

// camera sends pictures and sound that tell their times, and reports.
type camera struct {
	t       *testing.T
	in      *Ingest
	tracks  [2]*media.Track
	packers [2]*packetizer.Packetizer
	begun   time.Time
	reorder bool // one picture of three is sent before the two that are shown before it
	keyed   bool // a key frame was sent
}

func newCamera(t *testing.T, in *Ingest, reorder bool) *camera {
	t.Helper()
	c := &camera{t: t, in: in, begun: time.Now(), reorder: reorder}
	c.tracks = [2]*media.Track{{Codec: media.H264}, {Codec: media.G711A, SampleRate: 8000, Channels: 1}}
	for i, rate := range []int{90000, 8000} {
		z, err := packetizer.New(c.tracks[i], packetizer.Config{PayloadType: []uint8{96, 8}[i], ClockRate: rate, SSRC: uint32(i), Offset: 0xffff0000 + uint32(i)})
		require.NoError(t, err)
		c.packers[i] = z
	}
	return c
}

// shown returns when picture number n is shown.
func (c *camera) shown(n int) time.Duration {
	if c.reorder && c.keyed { // sent as 3 1 2, 6 4 5 …
		n += []int{-1, 2, -1}[n%3]
	}
	return time.Duration(n) * picture
}

// send sends what is of a time: picture or sound number n.
func (c *camera) send(track, n int) {
	data := make([]byte, 160)
	at := time.Duration(n) * sound
	if track == 0 {
		data = []byte{0, 0, 0, 11, 0x41, 0x9a, 1, 1, 1, 0, 0, 0, 0, 0, 1}
		at = c.shown(n)
		if !c.keyed {
			data[4], data[5], c.keyed = 0x65, 0x88, true
		}
	}
	binary.BigEndian.PutUint32(data[len(data)-6:], uint32(at/time.Millisecond)|0x80000000)
	b, err := c.packers[track].Append(nil, &media.Packet{Track: c.tracks[track], PTS: at, Data: data})
	require.NoError(c.t, err)
	c.frames(b, c.in.Packet, track)
}

// report sends a sender report: everything is as old as what is sent now.
func (c *camera) report(track int) {
	at := time.Since(c.begun) + 10*time.Second
	c.frames(c.packers[track].AppendReport(nil, at, time.Now()), func(i int, b []byte, now time.Time) bool {
		c.in.Report(i, b, now)
		return false
	}, track)
}

func (c *camera) frames(b []byte, take func(int, []byte, time.Time) bool, track int) {
	for len(b) > 0 {
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		take(track, b[4:n], time.Now())
		b = b[n:]
	}
}

// timeOf returns the time that a packet tells, in its source.
func timeOf(p *media.Packet) time.Duration {
	n := binary.BigEndian.Uint32(p.Data[len(p.Data)-6:])
	return time.Duration(n&^0x80000000) * time.Millisecond
}

// A source that begins by sending what it has kept, as fast as it can, is in step from the first picture on: by its
// reports, if they come within a second, else by what it sends when it is done with that.
func TestBurstingSource(t *testing.T) {
	const limit = 40 * time.Millisecond
	for name, c := range map[string]struct {
		order   string        // of the burst
		length  time.Duration // of it
		reports time.Duration // when they come; negative is never
		late    time.Duration // by which the sound is sent
		stuck   time.Duration // until when no picture gets through, but all of them then
		reorder bool
		live    bool // a picture is sent when it was taken, not when it is to be decoded
		single  bool // no sound comes
	}{
		"reports at once":             {order: "pictures first", length: 2 * time.Second},
		"reports soon":                {order: "sound first", length: 2 * time.Second, reports: 700 * time.Millisecond},
		"reports late":                {order: "pictures first", length: 2 * time.Second, reports: 3 * time.Second},
		"no reports":                  {order: "pictures first", length: 2 * time.Second, reports: -1},
		"no reports, sound first":     {order: "sound first", length: 2 * time.Second, reports: -1},
		"no reports, mixed":           {order: "mixed", length: 2 * time.Second, reports: -1},
		"no reports, B-frames":        {order: "sound first", length: 2 * time.Second, reports: -1, reorder: true},
		"no reports, live B-frames":   {order: "sound first", length: 2 * time.Second, reports: -1, reorder: true, live: true},
		"live B-frames, no burst":     {order: "mixed", reports: -1, reorder: true, live: true},
		"B-frames, no burst":          {order: "mixed", reports: -1, reorder: true},
		"reports, B-frames":           {order: "sound first", length: 2 * time.Second, reorder: true},
		"reports, sound is late":      {order: "pictures first", length: 2 * time.Second, reports: 900 * time.Millisecond, late: 120 * time.Millisecond},
		"reports, late, no burst":     {order: "mixed", reports: 100 * time.Millisecond, late: 120 * time.Millisecond},
		"pictures get stuck":          {order: "mixed", reports: 400 * time.Millisecond, stuck: 230 * time.Millisecond},
		"stuck, no reports":           {order: "mixed", reports: -1, stuck: 230 * time.Millisecond},
		"short burst, no reports":     {order: "pictures first", length: 200 * time.Millisecond, reports: -1},
		"long burst, no reports":      {order: "sound first", length: 9 * time.Second, reports: -1},
		"no burst":                    {order: "mixed", reports: -1},
		"one track only":              {order: "pictures first", length: 2 * time.Second, reports: -1, single: true},
		"one track only, and reports": {order: "pictures first", length: 2 * time.Second, single: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, err := media.New(media.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
				require.NoError(t, err)
				defer m.Close()
				pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "a", Name: "b"}})
				require.NoError(t, err)
				desc, err := sdp.Parse([]byte("v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
					"a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z2QADazZQUH7ARAAAAMAEAAAAwMg8UKZYA==,aOvjyyLA\r\nm=audio 0 RTP/AVP 8\r\n"))
				require.NoError(t, err)
				in := New(pub, desc, Options{Log: m.Logger()})

				defer in.Close()
				in.Unreliable(0)
				in.Unreliable(1)
				require.NoError(t, in.Begin())
				r := pub.Stream().Read()
				defer r.Close()

				cam := newCamera(t, in, c.reorder)
				now := 10 * time.Second // in the source
				video, audio := int((now-c.length)/picture), int((now-c.length)/sound)
				video -= video % 3
				sentAt := func(n int) time.Duration {
					switch {
					case c.live && cam.keyed: // with the latest that is shown, of what was sent by then
						n += []int{0, 2, 1}[n%3]
					case c.reorder && !c.live: // when it is decoded
						n--
					}
					return time.Duration(n) * picture
				}
				pictures := func(until time.Duration) {
					for ; sentAt(video) <= until && until >= now+c.stuck; video++ {
						cam.send(0, video)
					}
				}
				sounds := func(until time.Duration) {
					for ; !c.single && time.Duration(audio)*sound <= until-c.late; audio++ {
						cam.send(1, audio)
					}
				}
				switch c.order {
				case "pictures first":
					pictures(now)
				case "sound first":
					sounds(now)
				}
				for at := now - c.length; at <= now; at += picture {
					pictures(at)
					sounds(at)
				}
				var worst, waited time.Duration
				seen, offset, known := [2]int{}, [2]time.Duration{}, [2]bool{}
				got := make([]*media.Packet, 64)
				for passed := time.Duration(0); passed < 6*time.Second; passed += 10 * time.Millisecond {
					if passed == c.reports {
						cam.report(0)
						cam.report(1)
					}
					pictures(now + passed)
					sounds(now + passed)
					synctest.Wait()
					for {
						n := pending(t, r, got)
						for _, p := range got[:n] {
							track := 0
							if p.Track.Codec == media.G711A {
								track = 1
							}
							if seen == [2]int{} {
								waited = passed
							}
							seen[track]++
							offset[track], known[track] = p.PTS-timeOf(p), true
							if known[0] && known[1] {
								worst = max(worst, offset[0]-offset[1], offset[1]-offset[0])
							}
						}
						if n < len(got) {
							break
						}
					}
					time.Sleep(10 * time.Millisecond)
				}
				require.LessOrEqual(t, worst, limit)
				require.Less(t, waited, waitReports+50*time.Millisecond)
				require.GreaterOrEqual(t, seen[0], int((c.length+5*time.Second)/picture))
				if !c.single {
					require.GreaterOrEqual(t, seen[1], int((c.length+5*time.Second)/sound)-10)
				}
				t.Logf("at most %v apart, after %v", worst, waited)
			})
		})
	}
}

// pending returns what there is to read.
func pending(t *testing.T, r *media.Reader[*media.Packet], dst []*media.Packet) int {
	t.Helper()
	ctx, cancel := contextThatEnds(t)
	defer cancel()
	n, err := r.ReadBatch(ctx, dst)
	if err != nil {
		return 0
	}
	return n
}

func contextThatEnds(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), time.Nanosecond)
}
