package gb28181

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
)

// flushEvery is how often packets that wait for one before them are looked at.
const flushEvery = 50 * time.Millisecond

// readMedia gives take what comes to a socket until that is closed. take returns the source whose packets wait for one that is missing, if
// they do. It reads at once: a pause of 5 ms, for several datagrams to come meanwhile, costs more than the wake-ups that it saves.
func readMedia(conn *net.UDPConn, buffers *datagram.Buffers, take func(b []byte, from netip.AddrPort, now time.Time) *source) {
	reader, err := datagram.NewReader(conn, buffers)
	if err != nil {
		return
	}
	var (
		waiting []*source
		timed   bool      // it wakes for them
		looked  time.Time // when they were looked at
		now     time.Time
		fresh   bool // now is
	)
	push := func(b []byte, from netip.AddrPort) {
		if !fresh {
			now, fresh = time.Now(), true
		}
		if x := take(b, from, now); x != nil && !slices.Contains(waiting, x) {
			waiting = append(waiting, x)
		}
	}
	for {
		fresh = false
		err := reader.Read(push)
		if !fresh {
			now = time.Now()
		}
		over := errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil && !over:
			time.Sleep(time.Millisecond)
		}
		if len(waiting) > 0 && now.Sub(looked) >= flushEvery {
			looked = now
			waiting = slices.DeleteFunc(waiting, func(x *source) bool { return !x.flush(now) })
		}
		if timed != (len(waiting) > 0) || over {
			at := time.Time{}
			if timed = len(waiting) > 0; timed {
				at = now.Add(flushEvery)
			}
			_ = conn.SetReadDeadline(at)
		}
	}
}
