package rtmp

import (
	"errors"
	"os"
	"time"
)

// unpublishWait is how long the answer to FCUnpublish waits for what comes behind it.
const unpublishWait = 500 * time.Millisecond

// unpublish answers FCUnpublish, but behind the next message. Encoders send deleteStream next and close at once. If our
// answer lies there unread, that resets the connection, and takes along a deleteStream that the system has kept back to
// send it in one piece (Nagle): a clean end would look like a drop. Whoever waits for the answer gets it in a moment.
func (x *session) unpublish() error {
	if x.publisher != nil && !x.unpublishing {
		x.unpublishing = true
		err := x.readBehind()
		x.unpublishing = false
		if err != nil {
			return err
		}
	}
	return x.write(appendCommand(nil, controlStream, 0, "onFCUnpublish", 0, nil,
		status("status", "NetStream.Unpublish.Success", "")))
}

// readBehind handles the next message of a publisher, if there is one soon.
func (x *session) readBehind() error {
	if err := x.conn.SetReadDeadline(time.Now().Add(unpublishWait)); err != nil {
		return err
	}
	err := x.reader.Wait()
	silent := errors.Is(err, os.ErrDeadlineExceeded)
	if err != nil && !silent {
		return err
	}
	if err := x.beginIdle(); err != nil || silent {
		return err
	}
	return x.readOne()
}
