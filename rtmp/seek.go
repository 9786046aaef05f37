package rtmp

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/media"
)

// seekTimeout bounds how long a source may take to find a place.
const seekTimeout = 10 * time.Second

// seek moves a player within what it plays, section 7.2.2.7. A live stream goes on as it is.
func (x *session) seek(c command) error {
	if !x.playsPrivately() {
		return x.write(appendStatus(nil, "status", "NetStream.Seek.Notify", "a live stream cannot be sought"))
	}
	x.feed.Pause(true) // the answer comes before the first media of the new place
	if !x.paused {
		defer x.feed.Pause(false)
	}
	err := x.seekTo(c.milliseconds(1))
	if errors.Is(err, media.ErrBeyondEnd) {
		return x.write(x.appendInvalidTime(nil))
	}
	if err != nil {
		x.logSeek(err)
		return x.write(appendStatus(nil, "error", "NetStream.Seek.Failed", "there is no such place to go on at"))
	}
	b := appendEvent(nil, eventStreamBegin, mediaStream)
	b = appendStatus(b, "status", "NetStream.Seek.Notify", "seeking")
	return x.write(appendStatus(b, "status", "NetStream.Play.Start", "playing from there"))
}

// appendInvalidTime appends that there is nothing at the time asked for, and in the details the last second that there is, as
// Flash players know it.
func (x *session) appendInvalidTime(dst []byte) []byte {
	end, _ := x.player.Private()
	info := status("error", "NetStream.Seek.InvalidTime", "the time is beyond the end")
	info = append(info, amf.Property{Key: "details", Value: end.Seconds()})
	return appendCommand(dst, statusStream, mediaStream, "onStatus", 0, nil, info)
}

// logSeek says why a seek has failed, the first time: in the source's own words, which are not for the peer.
func (x *session) logSeek(err error) {
	if !x.lostPlace {
		x.lostPlace = true
		x.logger().Info("seek failed", "err", err)
	}
}

func (x *session) playsPrivately() bool {
	if x.feed == nil {
		return false
	}
	_, private := x.player.Private()
	return private
}

func (x *session) seekTo(at time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), seekTimeout)
	defer cancel()
	_, err := x.player.Seek(ctx, at)
	return err
}

// maxPosition bounds what a peer may ask for: 2^32 ms, as far as RTMP can count.
const maxPosition = float64(1 << 32)

// milliseconds returns an argument that is a time.
func (c command) milliseconds(i int) time.Duration {
	if i >= len(c.args) {
		return 0
	}
	n, _ := c.args[i].(float64)
	if !(n > 0) { // not a number is neither
		return 0
	}
	return time.Duration(min(n, maxPosition)) * time.Millisecond
}
