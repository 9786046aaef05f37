package gb28181

import (
	"time"

	"github.com/sluice-media/sluice/internal/rtp/ingest"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// elementary takes the RTP of one track, as RTSP does.
type elementary struct {
	in      *ingest.Ingest
	rate    int
	replies bool // it is known where to
}

func newElementary(pub *media.Publisher, c inflowConfig) *elementary {
	m := describe(c.kind, c.payloadType)
	in := ingest.New(pub, &sdp.Session{Medias: []sdp.Media{m}}, ingest.Options{Log: c.log})
	if c.unreliable {
		in.Unreliable(0)
	}
	_ = in.Begin() // it has no tracks to tell of yet, or the publisher has ended, which is seen elsewhere
	return &elementary{in: in, rate: m.ClockRate}
}

// describe is what a session description would say.
func describe(kind content, payloadType uint8) sdp.Media {
	m := sdp.Media{Kind: "video", PayloadType: payloadType, ClockRate: programRate, Track: &media.Track{ID: 1}}
	switch kind {
	case h264:
		m.Encoding, m.Track.Codec = "H264", media.H264
		m.Params = map[string]string{"packetization-mode": "1"}
	case h265:
		m.Encoding, m.Track.Codec = "H265", media.H265
	case opus:
		m.Kind, m.Encoding, m.ClockRate, m.Channels = "audio", "OPUS", 48000, 2
		m.Track.Codec = media.Opus
	case pcmu, pcma:
		m.Kind, m.Encoding, m.ClockRate, m.Channels = "audio", "PCMU", 8000, 1
		m.Track.Codec = media.G711U
		if kind == pcma {
			m.Encoding, m.Track.Codec = "PCMA", media.G711A
		}
	}
	m.Track.ClockRate = m.ClockRate
	if m.Kind == "audio" {
		m.Track.SampleRate, m.Track.Channels = m.ClockRate, m.Channels
	}
	return m
}

func (e *elementary) packet(b []byte, now time.Time) (waits bool) { return e.in.Packet(0, b, now) }

func (e *elementary) flush(now time.Time) (waits bool) { return e.in.Flush(0, now) }

func (e *elementary) report(b []byte, now time.Time, reply func([]byte) error) {
	if reply != nil && !e.replies {
		e.replies = true
		e.in.ReportTo(0, reply)
	}
	e.in.Report(0, b, now)
}

func (e *elementary) restart() { e.in.Restart(1, true) }

// torn has nothing to do: what is missing is seen by the numbers of packets.
func (e *elementary) torn() {}

func (e *elementary) close() { e.in.Close() }
