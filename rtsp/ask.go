package rtsp

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

var errNoAnswer = errors.New("the server does not answer")

// question is a request whose response comes among what another goroutine reads.
type question struct {
	answered chan *wire.Response // has room for it
	then     func()              // called before what comes behind a response of 200; nil does nothing
}

// ask is do while another goroutine reads, which calls answered. then, if it is not nil, is called by that one as soon as the server obeys,
// before it reads on. ask waits for the time of a request at most.
func (c *client) ask(ctx context.Context, method, target string, h wire.Header, then func()) (*wire.Response, error) {
	res, err := c.exchange(ctx, method, target, h, then)
	if err == nil && res.Code == wire.StatusUnauthorized && c.user != nil && c.challenged(res) {
		res, err = c.exchange(ctx, method, target, h, then)
	}
	if err != nil {
		return nil, fmt.Errorf("rtsp: %s: %w", method, err)
	}
	if res.Code != wire.StatusOK {
		return nil, &StatusError{Method: method, Code: res.Code, Reason: res.Reason}
	}
	return res, nil
}

// exchange sends a request and waits for its response.
func (c *client) exchange(ctx context.Context, method, target string, h wire.Header, then func()) (*wire.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.DialTimeout, errNoAnswer)
	defer cancel()
	q := &question{answered: make(chan *wire.Response, 1), then: then}
	cseq, err := c.send(method, target, h, nil, q)
	defer c.forget(cseq)
	if err != nil {
		return nil, err
	}
	select {
	case res := <-q.answered:
		return res, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (c *client) forget(cseq int) {
	c.known.Lock()
	defer c.known.Unlock()
	delete(c.asked, cseq)
}

// answered passes a response on to who has asked. It is for the goroutine that reads.
func (c *client) answered(res *wire.Response) {
	c.adopt(res)
	cseq, err := strconv.Atoi(res.Header.Get("CSeq"))
	if err != nil {
		return
	}
	c.known.Lock()
	q := c.asked[cseq]
	delete(c.asked, cseq)
	c.known.Unlock()
	if q == nil {
		return
	}
	if res.Code == wire.StatusOK && q.then != nil {
		q.then()
	}
	q.answered <- res
}
