package media_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// An option that the core cannot keep is refused, by New as by Publish.
func TestBadOptionsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		o  hook.StreamOptions
		ok bool
	}{
		"none":                    {hook.StreamOptions{}, true},
		"stamps of the source":    {hook.StreamOptions{ModifyStamp: new(0)}, true},
		"unknown stamps":          {hook.StreamOptions{ModifyStamp: new(3)}, false},
		"one track":               {hook.StreamOptions{MaxTrack: new(1)}, true},
		"no track":                {hook.StreamOptions{MaxTrack: new(0)}, false},
		"pace":                    {hook.StreamOptions{PacedSender: new(20 * ms)}, true},
		"a pace of two seconds":   {hook.StreamOptions{PacedSender: new(2 * time.Second)}, false},
		"a grace below zero":      {hook.StreamOptions{ContinuePush: new(-ms)}, false},
		"on demand, and what not": {hook.StreamOptions{RTSPDemand: new(true), HLSDemand: new(false)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, media.Config{})
			x := s.NewSession(hook.Session{}, nil)
			defer x.Close()
			pub, published := s.Publish(t.Context(), media.PublishRequest{Stream: key, Options: c.o})
			_, admitted := s.AdmitPublisher(t.Context(), media.PublishRequest{
				Stream: media.StreamKey{App: "live", Name: "other"}, Session: x, Options: c.o,
			})
			other, made := media.New(media.Config{Options: c.o})
			if c.ok {
				require.NoError(t, published)
				require.NoError(t, admitted)
				require.NoError(t, made)
				require.NoError(t, other.Close())
				pub.Close(nil)
				return
			}
			for _, err := range []error{published, admitted, made, s.Reconfigure(media.Config{Options: c.o})} {
				require.ErrorIs(t, err, media.ErrBadOptions)
			}
			_, err := s.Publish(t.Context(), media.PublishRequest{Stream: key})
			require.NoError(t, err, "who is refused holds no name")
		})
	}
}

// MaxTrack takes the first tracks; packets of the rest are no error.
func TestMaxTrack(t *testing.T) {
	s := newServer(t, media.Config{})
	publish := func(o hook.StreamOptions, tracks ...*media.Track) *media.Publisher {
		pub, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Options: o})
		require.NoError(t, err)
		require.NoError(t, pub.SetTracks(tracks...))
		return pub
	}
	pub := publish(hook.StreamOptions{MaxTrack: new(1), AddMuteAudio: new(true)}, video, audio)
	require.Equal(t, []*media.Track{video}, pub.Stream().Description().Tracks, "no room for silence either")
	require.NoError(t, pub.WritePacket(frame(video, 0, true)))
	require.NoError(t, pub.WritePacket(frame(audio, 0, false)))
	require.EqualValues(t, 5, pub.Stream().Stats().Bytes)
	require.ErrorIs(t, pub.WritePacket(frame(&media.Track{ID: 9}, 0, false)), media.ErrUnknownTrack)
	require.NoError(t, pub.SetTracks(audio))
	require.NoError(t, pub.WritePacket(frame(audio, 0, false)))
	pub.Close(nil)
	var many []*media.Track
	for i := range 20 {
		many = append(many, &media.Track{ID: i, Codec: media.Opus})
	}
	pub = publish(hook.StreamOptions{MaxTrack: new(100)}, many...)
	require.Len(t, pub.Stream().Description().Tracks, 16)
	require.NoError(t, pub.WritePacket(frame(many[19], 0, false)))
	pub.Close(nil)
}

// A paced stream lets the packets of a burst out when they are due; at its end nothing is lost.
func TestPacedSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := media.New(media.Config{Options: hook.StreamOptions{PacedSender: new(10 * ms)}})
		require.NoError(t, err)
		defer s.Close()
		pub, err := s.Publish(t.Context(), media.PublishRequest{Stream: key})
		require.NoError(t, err)
		require.NoError(t, pub.SetTracks(video))
		r := pub.Stream().Read()
		defer r.Close()
		begun := time.Now()
		for i := range 50 { // two bursts of a second
			if i == 25 {
				time.Sleep(time.Second)
			}
			require.NoError(t, pub.WritePacket(frame(video, time.Duration(i)*40*ms, i%25 == 0)))
		}
		buf := make([]*media.Packet, 64)
		n := 0
		for n < 45 {
			got, err := r.ReadBatch(t.Context(), buf)
			require.NoError(t, err)
			for _, pkt := range buf[:got] {
				if n >= 25 { // those before have waited for this test to read
					require.InDelta(t, pkt.DTS, time.Since(begun), float64(20*ms), "packet %d", n)
				}
				require.Equal(t, time.Duration(n)*40*ms, pkt.DTS)
				n++
			}
		}
		pub.Close(nil)
		got, err := r.ReadBatch(t.Context(), buf)
		require.NoError(t, err)
		require.Equal(t, 5, got, "the rest")
	})
}
