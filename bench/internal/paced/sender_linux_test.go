package paced

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
)

func testClip(t testing.TB, d time.Duration) *Clip {
	t.Helper()
	clip, err := Parse(flvtest.File(d), 0)
	require.NoError(t, err)
	return clip
}

// address returns where s listens.
func (s *Sender) address(t testing.TB) string {
	t.Helper()
	name, err := syscall.Getsockname(s.listen)
	require.NoError(t, err)
	in, ok := name.(*syscall.SockaddrInet4)
	require.True(t, ok)
	return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port)).String()
}

func TestSenderSendsTheClipInTurns(t *testing.T) {
	defer goleak.VerifyNone(t)
	clip := testClip(t, 80*time.Millisecond)
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), clip)
	require.NoError(t, err)
	defer s.Close()
	c, err := net.Dial("tcp", s.address(t))
	require.NoError(t, err)
	defer c.Close()

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	got := make([]byte, 3*len(clip.Data))
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat(clip.Data, 3), got)
	cancel()
	require.NoError(t, <-done)
}

// newPair returns a sender with one player and the other end of the player's socket.
func newPair(t testing.TB, clip *Clip) (*Sender, int) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	require.NoError(t, err)
	t.Cleanup(func() { syscall.Close(fds[1]) })
	return &Sender{clip: clip, listen: -1, players: []player{{fd: fds[0]}}}, fds[1]
}

func TestSenderKeepsTheRestOfAShortWrite(t *testing.T) {
	t.Parallel()
	clip := &Clip{Data: make([]byte, 2<<20)}
	for i := range clip.Data {
		clip.Data[i] = byte(i % 251)
	}
	s, peer := newPair(t, clip)
	s.advance(len(clip.Data))
	s.send()
	require.Len(t, s.players, 1)
	require.Less(t, s.players[0].sent, s.now, "more than a socket takes at once")
	var got []byte
	b := make([]byte, 1<<16)
	for len(got) < len(clip.Data) {
		n, err := syscall.Read(peer, b)
		if err != nil {
			require.ErrorIs(t, err, syscall.EAGAIN)
			s.send()
			continue
		}
		got = append(got, b[:n]...)
	}
	require.Equal(t, clip.Data, got)
}

func TestSenderDropsWhoLeft(t *testing.T) {
	t.Parallel()
	s, peer := newPair(t, testClip(t, 80*time.Millisecond))
	require.NoError(t, syscall.Shutdown(peer, syscall.SHUT_RDWR))
	s.advance(100)
	s.send()
	require.Empty(t, s.players)
}

func TestSenderDropsWhoIsTooLate(t *testing.T) {
	t.Parallel()
	s, _ := newPair(t, &Clip{Data: make([]byte, 1<<20)})
	for range 20 { // a socket does not take 20 MiB
		s.advance(len(s.clip.Data))
		s.send()
	}
	require.Empty(t, s.players)
}

func TestSenderDoesNotAllocate(t *testing.T) {
	clip := testClip(t, time.Second)
	s, peer := newPair(t, clip)
	b := make([]byte, 1<<20)
	step := 0
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.advance(clip.Steps[step%len(clip.Steps)].End)
		s.send()
		step++
		_, _ = syscall.Read(peer, b)
	}))
	require.Len(t, s.players, 1)
}

func TestListenRefusesATakenPort(t *testing.T) {
	t.Parallel()
	s, err := Listen(netip.MustParseAddrPort("[::1]:0"), testClip(t, time.Second))
	if err != nil {
		t.Skip("no IPv6: ", err)
	}
	defer s.Close()
	name, err := syscall.Getsockname(s.listen)
	require.NoError(t, err)
	in, ok := name.(*syscall.SockaddrInet6)
	require.True(t, ok)
	_, err = Listen(netip.AddrPortFrom(netip.IPv6Loopback(), uint16(in.Port)), testClip(t, time.Second))
	require.ErrorIs(t, err, syscall.EADDRINUSE)
}
