package rtsp_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// What is not known is passed on: payloads, markers and the distances of timestamps, as they came.
func TestUnknownCodecIsPassedOn(t *testing.T) {
	_, addr := start(t, media.Config{}, rtsp.Config{})
	u := mustURL(t, "rtsp://"+addr+"/live/test")
	tcp := gortsplib.TransportTCP
	generic := &format.Generic{PayloadTyp: 107, RTPMa: "vnd.onvif.metadata/90000"}
	require.NoError(t, generic.Init())
	desc := &description.Session{Medias: []*description.Media{{Type: description.MediaTypeApplication, Formats: []format.Format{generic}}}}
	publisher := &gortsplib.Client{Transport: &tcp}
	require.NoError(t, publisher.StartRecording(u.String(), desc))
	defer publisher.Close()
	var sending sync.WaitGroup
	done := make(chan struct{})
	defer sending.Wait()
	defer close(done)
	sending.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
			_ = publisher.WritePacketRTP(desc.Medias[0], &rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: 107, SequenceNumber: uint16(i), Timestamp: uint32(i * 900), SSRC: 5, Marker: i%3 == 0},
				Payload: fmt.Appendf(nil, "<number>%d</number>", i),
			})
		}
	})
	player := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Transport: &tcp, ReadTimeout: patience}
	require.NoError(t, player.Start2())
	defer player.Close()
	got, _, err := player.Describe(u)
	require.NoError(t, err)
	require.Len(t, got.Medias, 1)
	require.Equal(t, "vnd.onvif.metadata/90000", got.Medias[0].Formats[0].RTPMap())
	require.EqualValues(t, 107, got.Medias[0].Formats[0].PayloadType())
	require.NoError(t, player.SetupAll(got.BaseURL, got.Medias))
	packets := make(chan *rtp.Packet, 100)
	player.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
		select {
		case packets <- p.Clone():
		default:
		}
	})
	_, err = player.Play(nil)
	require.NoError(t, err)
	var first, last *rtp.Packet
	begin := 0
	for n := range 20 {
		p := <-packets
		var number int
		_, err := fmt.Sscanf(string(p.Payload), "<number>%d</number>", &number)
		require.NoError(t, err)
		if n == 0 {
			first, begin = p, number
		} else {
			require.Equal(t, last.SequenceNumber+1, p.SequenceNumber)
		}
		last = p
		require.Equal(t, begin+n, number)
		require.Equal(t, number%3 == 0, p.Marker)
		require.InDelta(t, n*900, int(p.Timestamp-first.Timestamp), 1)
	}
}
