package outbox_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook/httphook/internal/outbox"
)

// losses counts what a queue says is lost.
type losses struct{ times, messages int }

func (l *losses) count(_ string, messages int) { l.times, l.messages = l.times+1, l.messages+messages }

func open(t *testing.T, dir string, limit int64) (*outbox.Queue, *losses) {
	t.Helper()
	l := &losses{}
	q, err := outbox.Open(dir, limit, l.count)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q, l
}

// take takes the messages that are there.
func take(t *testing.T, q *outbox.Queue) []string {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var list []string
	for {
		message, err := q.Next(ended)
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			return list
		}
		list = append(list, string(message))
		require.NoError(t, q.Done())
	}
}

func put(t *testing.T, q *outbox.Queue, messages ...string) {
	t.Helper()
	for _, m := range messages {
		require.NoError(t, q.Put([]byte(m)))
	}
}

func TestOrderAcrossProcesses(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprintf("message %03d", i))
	}
	q, lost := open(t, dir, 1<<20)
	put(t, q, want[:40]...)
	require.NoError(t, q.Sync())
	for _, m := range want[:10] {
		got, err := q.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, m, string(got))
		require.NoError(t, q.Done())
	}
	// This one is taken out, but not noted.
	got, err := q.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, want[10], string(got))
	require.NoError(t, q.Close())
	require.ErrorIs(t, q.Put(nil), outbox.ErrClosed)
	_, err = q.Next(t.Context())
	require.ErrorIs(t, err, outbox.ErrClosed)

	q, again := open(t, dir, 1<<20)
	put(t, q, want[40:]...)
	require.Equal(t, want[10:], take(t, q))
	require.NoError(t, q.Close())
	// Emptied, and begun anew: the numbers of segments go on.
	for range 3 {
		q, _ = open(t, dir, 1<<20)
		put(t, q, "a", "")
		require.NoError(t, q.Close())
		q, _ = open(t, dir, 1<<20)
		require.Equal(t, []string{"a", ""}, take(t, q))
		require.NoError(t, q.Close())
	}
	require.Zero(t, *lost)
	require.Zero(t, *again)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.LessOrEqual(t, len(entries), 3, "files pile up")
}

func TestNextWaits(t *testing.T) {
	q, _ := open(t, t.TempDir(), 1<<20)
	got := make(chan string, 1)
	go func() {
		message, err := q.Next(t.Context())
		got <- fmt.Sprint(string(message), err)
	}()
	time.Sleep(10 * time.Millisecond)
	put(t, q, "late")
	require.Equal(t, "late<nil>", <-got)
}

// A full queue drops its oldest messages, and says how many.
func TestBound(t *testing.T) {
	dir := t.TempDir()
	q, lost := open(t, dir, 1<<20)
	message := strings.Repeat("x", 1000)
	const n = 5000
	shown, err := q.Next(canceled(t))
	require.Nil(t, shown)
	require.ErrorIs(t, err, context.Canceled)
	for i := range n {
		put(t, q, fmt.Sprintf("%04d%s", i, message))
		if i == 0 {
			_, err := q.Next(t.Context()) // it is dropped before it is done
			require.NoError(t, err)
		}
	}
	require.NoError(t, q.Done())
	var size int64
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	require.NoError(t, err)
	for _, f := range files {
		info, err := os.Stat(f)
		require.NoError(t, err)
		size += info.Size()
	}
	require.LessOrEqual(t, size, int64(1<<20+1<<17))
	rest := take(t, q)
	require.Equal(t, n, len(rest)+lost.messages)
	require.Equal(t, fmt.Sprintf("%04d", lost.messages), rest[0][:4])
	require.Greater(t, len(rest), 900)
}

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// Whatever a crash or the disk did to the files, the queue opens, and what is whole in front of the damage comes out.
func TestDamage(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(segment []byte) []byte
		want []string
		lost bool
	}{
		"half a record":    {func(b []byte) []byte { return b[:len(b)-2] }, []string{"one", "two"}, true},
		"half a head":      {func(b []byte) []byte { return b[:len(b)-5-5] }, []string{"one", "two"}, true},
		"a flipped bit":    {func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, []string{"one", "two"}, true},
		"a huge length":    {func(b []byte) []byte { b[0] = 0xff; return b }, nil, true},
		"nothing at all":   {func([]byte) []byte { return nil }, nil, false},
		"zeros at the end": {func(b []byte) []byte { return append(b, 0, 0, 0, 0, 0) }, []string{"one", "two", "three"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			q, _ := open(t, dir, 1<<20)
			put(t, q, "one", "two", "three")
			require.NoError(t, q.Close())
			path := filepath.Join(dir, fmt.Sprintf("%020d.log", 1))
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, c.harm(b), 0o600))
			q, lost := open(t, dir, 1<<20)
			put(t, q, "new")
			require.Equal(t, append(c.want, "new"), take(t, q))
			require.Equal(t, c.lost, lost.times > 0)
		})
	}
}

// A position that cannot be read brings messages again, and loses none.
func TestTornPosition(t *testing.T) {
	dir := t.TempDir()
	q, _ := open(t, dir, 1<<20)
	put(t, q, "one", "two")
	_, err := q.Next(t.Context())
	require.NoError(t, err)
	require.NoError(t, q.Done())
	require.NoError(t, q.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "position"), []byte("garbage of 20 bytes!"), 0o600))
	q, _ = open(t, dir, 1<<20)
	require.Equal(t, []string{"one", "two"}, take(t, q))
}

func TestTooLong(t *testing.T) {
	q, _ := open(t, t.TempDir(), 1<<20)
	require.Error(t, q.Put(make([]byte, outbox.MaxMessage+1)))
	put(t, q, strings.Repeat("y", outbox.MaxMessage))
	require.Len(t, take(t, q), 1)
}

// Whatever is in a segment, opening does not fail and what comes out is bounded by it.
func FuzzSegment(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 'x'})
	f.Add([]byte("\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d.log", 7)), b, 0o600))
		q, _ := open(t, dir, 1<<20)
		size := 0
		for _, m := range take(t, q) {
			size += len(m)
		}
		require.LessOrEqual(t, size, len(b))
		put(t, q, "after")
		require.Equal(t, []string{"after"}, take(t, q))
	})
}
