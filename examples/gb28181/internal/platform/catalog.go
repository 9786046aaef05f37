package platform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
)

// collection is a catalog that comes in many messages.
type collection struct {
	sn    uint32
	items map[string]manscdp.Item
	done  chan struct{} // closed when all have come
}

var (
	// ErrBusy says that a device is being asked already.
	ErrBusy = errors.New("platform: the device is being asked")
	// ErrUnknown says that there is no such device online.
	ErrUnknown = errors.New("platform: no such device is online")

	errPartial = errors.New("platform: the catalog did not come in time, or not all of it")
	errClosed  = errors.New("platform: it does not serve")
)

// startQuery asks a device for its channels, on a goroutine of its own.
func (p *Platform) startQuery(id string) {
	p.start(func(s *serving) { p.ask(s, id) })
}

func (p *Platform) ask(s *serving, id string) {
	if err := p.query(s.ctx, s, id); err != nil && s.ctx.Err() == nil {
		p.log.Warn("no catalog", "device", id, "err", err)
	}
}

// start runs a task that Serve waits for.
func (p *Platform) start(task func(*serving)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.startLocked(task)
}

// startLocked is start with p.mu held.
func (p *Platform) startLocked(task func(*serving)) bool {
	s := p.serving
	if s == nil || s.ctx.Err() != nil {
		return false
	}
	p.tasks.Go(func() { task(s) })
	return true
}

// Query asks a device for its channels, and returns when they are known.
func (p *Platform) Query(ctx context.Context, id string) error {
	result := make(chan error, 1)
	if !p.start(func(s *serving) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		result <- p.query(ctx, s, id)
	}) {
		return errClosed
	}
	return <-result
}

func (p *Platform) query(ctx context.Context, s *serving, id string) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.AnswerTimeout)
	defer cancel()
	c, at, err := p.beginCollection(id)
	if err != nil {
		return err
	}
	defer p.endCollection(id, c)
	m := manscdp.Message{Kind: manscdp.Query, Command: manscdp.Catalog, SN: c.sn, DeviceID: id}
	body, err := m.Bytes()
	if err != nil {
		return err
	}
	req := p.request(s, at, sip.MESSAGE, id, manscdp.ContentType, body)
	res, err := s.do(ctx, at, req)
	if err != nil {
		return err
	}
	if !res.IsSuccess() {
		return fmt.Errorf("platform: the device answers %d to a query", res.StatusCode)
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return errPartial
	}
}

func (p *Platform) beginCollection(id string) (*collection, peer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.devices[id]
	if d == nil || !d.online {
		return nil, peer{}, ErrUnknown
	}
	if d.collection != nil {
		return nil, peer{}, ErrBusy
	}
	p.sn++
	d.asked = time.Now()
	d.collection = &collection{sn: p.sn, items: map[string]manscdp.Item{}, done: make(chan struct{})}
	return d.collection, d.peer, nil
}

// endCollection makes what has come the channels of the device. If nothing has come they stay as they are.
func (p *Platform) endCollection(id string, c *collection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.devices[id]
	if d == nil || d.collection != c {
		return
	}
	d.collection = nil
	whole := false
	select {
	case <-c.done:
		whole = true
	default:
	}
	if whole || len(c.items) > 0 {
		byID := func(a, b manscdp.Item) int { return strings.Compare(a.ID, b.ID) }
		d.channels = slices.AppendSeq(make([]manscdp.Item, 0, len(c.items)), maps.Values(c.items))
		slices.SortFunc(d.channels, byID)
		p.log.Info("channels of a device are known", "device", id, "channels", len(d.channels))
	}
}

// collect takes a part of a catalog.
func (p *Platform) collect(id string, m *manscdp.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.devices[id]
	if d == nil || d.collection == nil || d.collection.sn != m.SN {
		return
	}
	c := d.collection
	select {
	case <-c.done:
		return
	default:
	}
	for _, item := range m.Items {
		if len(c.items) < p.cfg.MaxChannels {
			c.items[item.ID] = item
		}
	}
	if len(c.items) >= min(m.Total, p.cfg.MaxChannels) {
		close(c.done)
	}
}
