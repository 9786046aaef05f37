package interop

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/message"
)

// rtmpViewer is an independent client that plays by RTMP. It reads when it waits for something.
type rtmpViewer struct {
	*sightseen
	client *gortmplib.Client
}

// watchRTMP begins to play a recording.
func watchRTMP(ctx context.Context, address string) (*rtmpViewer, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	v := &rtmpViewer{sightseen: newSightseen(), client: &gortmplib.Client{URL: u}}
	if err := v.client.Initialize(ctx); err != nil {
		return nil, err
	}
	return v, v.client.NetConn().SetDeadline(time.Now().Add(patience))
}

// watch reads until there are so many pictures.
func (v *rtmpViewer) watch(n int) error {
	for len(v.list()) < n {
		if _, err := v.read(); err != nil {
			return err
		}
	}
	return nil
}

// read reads a message, and returns the code of a status.
func (v *rtmpViewer) read() (code string, err error) {
	m, err := v.client.Read()
	if err != nil {
		return "", err
	}
	switch m := m.(type) {
	case *message.Video:
		if m.Type == message.VideoTypeAU {
			units, err := h265Units(m.AU) // which is the same of H.264
			if err != nil {
				return "", err
			}
			v.add(units)
		}
	case *message.CommandAMF0:
		return codeOf(m), nil
	}
	return "", nil
}

// codeOf returns the code of a status; it is empty for other commands.
func codeOf(m *message.CommandAMF0) string {
	if m.Name != "onStatus" || len(m.Arguments) < 2 {
		return ""
	}
	info, _ := m.Arguments[1].(amf0.Object)
	code, _ := info.GetString("code")
	return code
}

// order sends a command of the stream and reads up to its status.
func (v *rtmpViewer) order(name, status string, arguments ...any) error {
	err := v.client.Write(&message.CommandAMF0{
		ChunkStreamID: 4, MessageStreamID: 0x1000000, Name: name, Arguments: append([]any{nil}, arguments...),
	})
	for err == nil {
		var code string
		switch code, err = v.read(); code {
		case status:
			return nil
		case "NetStream.Seek.Failed", "NetStream.Play.Stop":
			return errors.New(code)
		}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// seek goes on at another second. The answer comes before what is played there.
func (v *rtmpViewer) seek(seconds float64) error {
	err := v.order("seek", "NetStream.Seek.Notify", milliseconds(seconds))
	v.begin()
	return err
}

// pause pauses for a moment, in which nothing comes.
func (v *rtmpViewer) pause(moment time.Duration) error {
	if err := v.order("pause", "NetStream.Pause.Notify", true, 0.0); err != nil {
		return err
	}
	before := len(v.list())
	time.Sleep(moment)
	if err := v.order("pause", "NetStream.Unpause.Notify", false, 0.0); err != nil {
		return err
	}
	if n := len(v.list()); n != before {
		return fmt.Errorf("%d pictures came in the pause", n-before)
	}
	return nil
}
