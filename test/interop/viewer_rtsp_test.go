package interop

import (
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
	"github.com/pion/rtp"
)

// rtspViewer is an independent client that plays by TCP.
type rtspViewer struct {
	*sightseen
	client *gortsplib.Client
	video  *format.H264

	// What belongs to who hears packets, between PLAY and the answer to PAUSE.
	decoder *rtph264.Decoder
	failed  error
}

// watchRTSP opens a recording, which it does not play yet. A scale that is not empty goes with each PLAY.
func watchRTSP(address, scale string) (*rtspViewer, error) {
	u, err := base.ParseURL(address)
	if err != nil {
		return nil, err
	}
	tcp := gortsplib.TransportTCP
	v := &rtspViewer{sightseen: newSightseen()}
	v.client = &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Transport: &tcp, ReadTimeout: patience, WriteTimeout: patience,
		OnRequest: func(r *base.Request) {
			if r.Method == base.Play && scale != "" {
				r.Header["Scale"] = base.HeaderValue{scale}
			}
		},
	}
	if err := v.client.Start2(); err != nil {
		return nil, err
	}
	if err := v.setup(u); err != nil {
		v.client.Close()
		return nil, err
	}
	return v, nil
}

func (v *rtspViewer) setup(u *base.URL) error {
	desc, _, err := v.client.Describe(u)
	if err != nil {
		return err
	}
	medium := desc.FindFormat(&v.video)
	if medium == nil {
		return errors.New("there is no H.264")
	}
	if err := v.client.SetupAll(desc.BaseURL, desc.Medias); err != nil {
		return err
	}
	if v.decoder, err = v.video.CreateDecoder(); err != nil {
		return err
	}
	v.client.OnPacketRTP(medium, v.video, v.hear)
	return nil
}

// hear takes a packet.
func (v *rtspViewer) hear(p *rtp.Packet) {
	units, err := v.decoder.Decode(p)
	switch {
	case err == nil:
		v.add(units)
	case !errors.Is(err, rtph264.ErrMorePacketsNeeded):
		v.failed = err
	}
}

// play plays from a second on. A player that plays already pauses first.
func (v *rtspViewer) play(seconds float64) error {
	_, err := v.client.Play(&headers.Range{Value: &headers.RangeNPT{Start: time.Duration(seconds * float64(time.Second))}})
	return err
}

// seek goes on at another second. The answer to PAUSE comes behind all that was played.
func (v *rtspViewer) seek(seconds float64) error {
	if _, err := v.client.Pause(); err != nil {
		return fmt.Errorf("PAUSE: %w", err)
	}
	v.begin()
	var err error
	if v.decoder, err = v.video.CreateDecoder(); err != nil { // what was cut goes
		return err
	}
	return v.play(seconds)
}
