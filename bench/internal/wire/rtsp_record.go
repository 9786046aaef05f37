package wire

import (
	"fmt"
	"io"
	"net/url"
)

// RecordRTSP performs ANNOUNCE with the session description sdp, SETUP of its tracks, which are called trackID=0 and
// so on, and RECORD. Then the server takes the RTP of track i on channel 2i.
func RecordRTSP(rw io.ReadWriter, u *url.URL, sdp string, tracks int) error {
	c := newRTSP(rw, u)
	if _, err := c.do("ANNOUNCE", c.ask.target, sdp, "Content-Type: application/sdp"); err != nil {
		return err
	}
	for i := range tracks {
		transport := fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d;mode=record", 2*i, 2*i+1)
		if err := c.setup(fmt.Sprintf("%s/trackID=%d", c.ask.target, i), transport); err != nil {
			return err
		}
	}
	_, err := c.do("RECORD", c.ask.target, "", "Range: npt=0.000-")
	return err
}
