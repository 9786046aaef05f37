package rtmp

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// usableWithin is how long a publisher has to send something that can be passed on.
const usableWithin = 15 * time.Second

// deadline is until when a publisher has to be heard of again. One that has sent nothing usable cannot put it off for
// ever.
func (p *publication) deadline(idle time.Duration) time.Time {
	until := time.Now().Add(idle)
	if last := p.begun.Add(max(usableWithin, idle)); !p.tags.Started() && last.Before(until) {
		return last
	}
	return until
}

// endUnusable tells a publisher whose time is over that nothing of what it sent could be used, and ends its stream
// without grace. One that has sent nothing at all has dropped.
func (x *session) endUnusable(err error) error {
	p := x.publisher
	if p == nil || !p.heard || p.tags.Started() || !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	text := fmt.Sprintf("no, or too little, audio and video of a known codec came within %v", time.Since(p.begun).Round(time.Second))
	if list := p.tags.LeftOut(); len(list) > 0 {
		text += ", left out: " + strings.Join(list, "; ")
	}
	p.media.Close(nil)
	return x.refuse("NetStream.Publish.Failed", text, nil)
}
