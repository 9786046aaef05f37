package cookbook

import (
	"context"
	"log/slog"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// invited opens a port for a camera, by UDP and TCP, and returns its number and the SSRC for the INVITE: then the camera sends there.
func invited(ctx context.Context, s *gb28181.Server, camera string, ssrc uint32) (port int, err error) {
	p, err := s.Open(ctx, gb28181.Request{
		Stream: media.StreamKey{App: "rtp", Name: camera}, Mode: gb28181.TCPPassive, SSRC: ssrc,
	})
	if err != nil {
		return 0, err
	}
	return p.Number, nil
}

// cascade sends the stream of a camera to another platform, as that has asked for by an INVITE of its own.
func cascade(ctx context.Context, s *gb28181.Server, camera, host string, port int, ssrc uint32) error {
	_, err := s.Send(ctx, gb28181.SendRequest{
		Stream: media.StreamKey{App: "rtp", Name: camera}, SSRC: ssrc, Host: host, Port: port, UDP: true,
	})
	return err
}

// answer sends a stream with what somebody says to the camera, which hears it on the socket that it sends from.
func answer(ctx context.Context, s *gb28181.Server, voice media.StreamKey, camera string) error {
	_, err := s.Send(ctx, gb28181.SendRequest{
		Stream: voice, Mode: gb28181.Talk, Receive: media.StreamKey{App: "rtp", Name: camera}, AudioOnly: true,
	})
	return err
}

// dialogs is told what ends by itself: time for a BYE.
type dialogs struct{}

var (
	_ hook.RTPServerTimeoutHook = dialogs{}
	_ hook.SendRTPStoppedHook   = dialogs{}
)

func (dialogs) OnRTPServerTimeout(_ context.Context, ev *hook.RTPServerTimeoutEvent) {
	slog.Info("the camera sends nothing", "stream", ev.Stream)
}

func (dialogs) OnSendRTPStopped(_ context.Context, ev *hook.SendRTPStoppedEvent) {
	slog.Info("the platform takes no more", "stream", ev.Stream, "ssrc", ev.SSRC, "why", ev.Msg)
}
