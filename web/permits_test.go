package web

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func newPermit(addr netip.Addr, query string, valid time.Duration) *permit {
	from := origin{addr: addr, query: sha256.Sum256([]byte(query)), none: query == ""}
	return &permit{cookie: newCookie(), from: from, scope: "/", until: time.Now().Add(valid)}
}

// check requires that all that is remembered is remembered everywhere.
func (l *permits) check(t *testing.T, n int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Equal(t, n, l.byCookie.Len())
	require.Len(t, l.queue, n)
	each := 0
	for list := range l.byOwner.Values() {
		each += len(list)
	}
	require.Equal(t, n, each)
	require.LessOrEqual(t, l.byOrigin.Len(), n)
	for i, p := range l.queue {
		require.Equal(t, i, p.index)
		require.Same(t, p, l.byCookie.Get(p.cookie))
	}
}

// Verdicts go when their time is over, without that anybody asks, and their memory with them.
func TestPermitsShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l permits
		for i := range 5000 {
			addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
			require.True(t, l.add(newPermit(addr, fmt.Sprint(i), time.Duration(1+i%100)*time.Second), time.Now()))
		}
		l.check(t, 5000)
		time.Sleep(50 * time.Second)
		synctest.Wait()
		l.check(t, 2500)
		time.Sleep(50 * time.Second)
		synctest.Wait()
		l.check(t, 0)
		require.Zero(t, l.byOrigin.Len())
		require.Zero(t, l.byOwner.Len())
		require.Less(t, cap(l.queue), 200)
		require.True(t, l.add(newPermit(netip.Addr{}, "", time.Second), time.Now()))
		l.close()
		l.check(t, 0)
		require.False(t, l.add(newPermit(netip.Addr{}, "", time.Second), time.Now()))
	})
}

// No address, and none of a network of IPv6, keeps the others out.
func TestPermitsOfOneAddress(t *testing.T) {
	var l permits
	defer l.close()
	other := newPermit(netip.MustParseAddr("10.0.0.2"), "x", time.Second)
	require.True(t, l.add(other, time.Now()))
	for i := range 2 * maxPermitsEach {
		addr := netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)})
		require.True(t, l.add(newPermit(addr, fmt.Sprint(i%3), time.Hour), time.Now()))
	}
	l.check(t, maxPermitsEach+1)
	require.NotNil(t, l.byCookie.Get(other.cookie))
	same := newPermit(other.from.addr, "x", time.Hour)
	require.True(t, l.add(same, time.Now()))
	l.check(t, maxPermitsEach+1)
	require.Nil(t, l.byCookie.Get(other.cookie), "a verdict takes the place of the one before")
}

// There are no more than so many.
func TestPermitsAreBounded(t *testing.T) {
	var l permits
	defer l.close()
	for i := range maxPermits + 100 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		require.True(t, l.add(newPermit(addr, "", time.Hour), time.Now()))
	}
	l.check(t, maxPermits)
}
