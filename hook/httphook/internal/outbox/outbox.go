package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// MaxMessage bounds one message, in bytes.
const MaxMessage = 1 << 20

// segments is how many a full queue has, about: the oldest goes as a whole.
const segments = 16

// ErrClosed is returned once the queue is closed.
var ErrClosed = errors.New("outbox: closed")

// Queue is a queue in a directory. One goroutine at a time takes messages out; any may put them in.
type Queue struct {
	dir   string
	limit int64
	lost  func(reason string, messages int)

	mu      sync.Mutex
	closed  bool
	arrived chan struct{} // closed, and made anew, when a message comes
	list    []segment     // the oldest first; the last is written to
	last    uint64        // the highest number that was ever used
	out     *os.File      // the last of list
	dirty   bool          // out has something that is not synced
	in      *os.File      // the first of list; nil until it is read from
	taken   int64         // up to where in it
	next    int64         // up to where the message that was shown last
}

// segment is a file of the queue.
type segment struct {
	number   uint64
	size     int64
	messages int
}

// Open opens the queue in a directory, which it makes if need be. limit bounds its bytes. lost is told of messages that
// were dropped or cannot be read, how many if it is known; it must not call the queue.
func Open(dir string, limit int64, lost func(reason string, messages int)) (*Queue, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	q := &Queue{dir: dir, limit: limit, lost: lost, arrived: make(chan struct{})}
	if err := q.load(); err != nil {
		return nil, err
	}
	return q, q.roll()
}

// load finds what an earlier queue has left.
func (q *Queue) load() error {
	numbers, err := listSegments(q.dir)
	if err != nil {
		return err
	}
	first, offset := readPosition(q.dir)
	q.last = first // a number is not used twice: what was taken out of one says nothing of the other
	for _, n := range numbers {
		s := segment{number: n}
		q.last = max(q.last, n)
		torn := false
		if s.messages, s.size, torn, err = scan(q.path(n)); err != nil {
			return err
		}
		if torn {
			q.lost("the end of a segment is garbled", 0)
		}
		if n < first || s.size == 0 {
			if err := os.Remove(q.path(n)); err != nil {
				return err
			}
			continue
		}
		q.list = append(q.list, s)
	}
	if len(q.list) > 0 && q.list[0].number == first && offset <= q.list[0].size {
		q.taken = offset
	}
	return nil
}

func (q *Queue) path(number uint64) string {
	return filepath.Join(q.dir, fmt.Sprintf("%020d%s", number, suffix))
}

// roll begins a new segment, and drops the oldest ones beyond the limit. Who calls it holds mu, but for Open.
func (q *Queue) roll() error {
	number := q.last + 1
	f, err := os.OpenFile(q.path(number), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	err = q.closeOut()
	q.out, q.last = f, number
	q.list = append(q.list, segment{number: number})
	for q.size() > q.limit && len(q.list) > 1 {
		q.lost("the queue is full", q.list[0].messages)
		err = errors.Join(err, q.dropFirst())
	}
	return err
}

func (q *Queue) closeOut() error {
	if q.out == nil {
		return nil
	}
	return errors.Join(q.out.Sync(), q.out.Close())
}

func (q *Queue) size() int64 {
	var n int64
	for _, s := range q.list {
		n += s.size
	}
	return n
}

// dropFirst removes the oldest segment.
func (q *Queue) dropFirst() error {
	var err error
	if q.in != nil {
		err = q.in.Close()
	}
	err = errors.Join(err, os.Remove(q.path(q.list[0].number)))
	q.list, q.in, q.taken, q.next = q.list[1:], nil, 0, 0
	return err
}

// Put appends a message. It is in the hands of the operating system when Put returns; see [Queue.Sync].
func (q *Queue) Put(message []byte) error {
	if len(message) > MaxMessage {
		return fmt.Errorf("outbox: a message of %d bytes", len(message))
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	if q.list[len(q.list)-1].size >= q.limit/segments {
		if err := q.roll(); err != nil {
			return err
		}
	}
	last := &q.list[len(q.list)-1]
	n, err := q.out.Write(appendRecord(nil, message))
	if err != nil {
		// Half a record would hide those behind it.
		return errors.Join(err, q.out.Truncate(last.size))
	}
	last.size += int64(n)
	last.messages++
	q.dirty = true
	close(q.arrived)
	q.arrived = make(chan struct{})
	return nil
}

// Sync has the operating system write what was put in to the disk.
func (q *Queue) Sync() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || !q.dirty {
		return nil
	}
	q.dirty = false
	return q.out.Sync()
}

// Next waits for the oldest message and returns it. It stays in the queue until Done; Next alone returns it again, or
// the one that is the oldest meanwhile.
func (q *Queue) Next(ctx context.Context) ([]byte, error) {
	for {
		message, arrived, err := q.look()
		if message != nil || err != nil {
			return message, err
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// look returns the oldest message, or if there is none what to wait for.
func (q *Queue) look() ([]byte, <-chan struct{}, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed {
		if q.taken < q.list[0].size {
			message, err := q.read()
			if err == nil {
				return message, nil, nil
			}
			q.lost("a segment cannot be read: "+err.Error(), 0)
			q.taken = q.list[0].size
			continue
		}
		if len(q.list) == 1 {
			return nil, q.arrived, nil
		}
		if err := q.dropFirst(); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, ErrClosed
}

// read reads the oldest message.
func (q *Queue) read() ([]byte, error) {
	if q.in == nil {
		f, err := os.Open(q.path(q.list[0].number))
		if err != nil {
			return nil, err
		}
		q.in = f
	}
	message, err := readRecord(io.NewSectionReader(q.in, q.taken, q.list[0].size-q.taken))
	if err != nil {
		return nil, err
	}
	q.next = q.taken + recordSize(message)
	return message, nil
}

// Done takes out the message that Next returned last. If that has been dropped meanwhile, it does nothing.
func (q *Queue) Done() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	if q.next <= q.taken {
		return nil
	}
	q.taken = q.next
	return writePosition(q.dir, q.list[0].number, q.taken)
}

// Close closes the queue. What is in it stays on disk.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil
	}
	q.closed = true
	err := q.closeOut()
	if q.in != nil {
		err = errors.Join(err, q.in.Close())
	}
	return err
}
