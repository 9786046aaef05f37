package rtsp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// greet asks what the server can do. A server that does not say is no worse for it.
func (c *client) greet() error {
	c.alive = []string{"OPTIONS"}
	res, err := c.do("OPTIONS", c.url, nil, nil)
	if _, refused := errors.AsType[*StatusError](err); refused {
		return nil
	}
	if err == nil {
		c.alive = signsOfLife(res.Header.Get("Public"))
	}
	return err
}

// signsOfLife are the methods that a server offers and that change nothing, the best first. Every server has OPTIONS (RFC 2326, 10).
func signsOfLife(public string) (methods []string) {
	for _, method := range []string{"GET_PARAMETER", "OPTIONS", "SET_PARAMETER"} {
		if slices.ContainsFunc(strings.Split(public, ","), func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), method) }) {
			methods = append(methods, method)
		}
	}
	if len(methods) == 0 {
		return []string{"OPTIONS"}
	}
	return methods
}

// keepAlive tells the server now and then that the client lives, until ctx ends. Another goroutine reads what it answers.
func (c *client) keepAlive(ctx context.Context) {
	for next := time.Now(); ; {
		every := c.aliveEvery()
		next = next.Add(every)
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if !c.live(ctx, every) {
			return // the reader sees it too
		}
	}
}

// live tells the server once, which has until the next time to answer. One that refuses a method is not asked by it again, if it knows
// another. live reports whether the connection can still be written to.
func (c *client) live(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	for {
		_, err := c.ask(ctx, c.alive[0], c.url, nil, nil)
		if _, refused := errors.AsType[*StatusError](err); !refused {
			return err == nil || errors.Is(err, errNoAnswer)
		}
		if len(c.alive) == 1 {
			return true
		}
		c.alive = c.alive[1:]
	}
}

// aliveEvery is how long the server may hear nothing.
func (c *client) aliveEvery() time.Duration {
	if c.cfg.KeepAlive > 0 {
		return max(c.cfg.KeepAlive, time.Second)
	}
	c.known.Lock()
	defer c.known.Unlock()
	return min(max(c.timeout/2, time.Second), 30*time.Second)
}
