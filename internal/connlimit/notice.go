package connlimit

import (
	"fmt"
	"log/slog"
	"net"
	"time"
)

// noticeEvery is how often the log is told of one thing at most.
const noticeEvery = time.Second

// notice counts what the log has not been told of.
type notice struct {
	log  *slog.Logger
	text string

	n    int
	told time.Time
	why  string
	peer net.Addr // the last
}

func (n *notice) add(why string, peer net.Addr) {
	n.n++
	n.why, n.peer = why, peer
}

// tell writes a line, if there is something to tell and the last line is old enough.
func (n *notice) tell(open int) {
	if n.n == 0 || time.Since(n.told) < noticeEvery {
		return
	}
	n.log.Warn(n.text, "why", n.why, "number", n.n, "last", fmt.Sprint(n.peer), "open", open)
	n.n, n.told, n.peer = 0, time.Now(), nil
}
