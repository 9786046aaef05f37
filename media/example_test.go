package media_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A stream needs no network: frames may come from code, and be read by code.
func Example() {
	ctx := context.Background()
	m, err := media.New(media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(_ context.Context, ev *hook.PlayEvent) error {
			if ev.Session.Query().Get("token") != "s3cret" {
				return hook.Deny(401, "bad token")
			}
			return nil
		},
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()

	key := media.StreamKey{App: "live", Name: "camera"}
	pub, err := m.Publish(ctx, media.PublishRequest{Stream: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	track := &media.Track{ID: 1, Codec: media.AAC, ClockRate: 44100, Config: []byte{0x12, 0x10}, SampleRate: 44100, Channels: 2}
	if err := pub.SetTracks(track); err != nil {
		fmt.Println(err)
		return
	}
	at := 5 * time.Second // the publisher's clock begins anywhere
	if err := pub.WritePacket(&media.Packet{Track: track, DTS: at, PTS: at, Data: []byte("frame")}); err != nil {
		fmt.Println(err)
		return
	}

	_, err = m.Play(ctx, media.PlayRequest{Stream: key})
	fmt.Println(err)
	player, err := m.Play(ctx, media.PlayRequest{Stream: key, Params: "token=s3cret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	packets := make([]*media.Packet, 8)
	n, err := player.Read().ReadBatch(ctx, packets)
	fmt.Println(n, packets[0].DTS, packets[0].SourceDTS, err)
	// Output:
	// [auth failed]: code:401 msg:"bad token"
	// 1 0s 5s <nil>
}
