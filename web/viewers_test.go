package web

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func viewerIn(addr, query string) *viewer {
	return &viewer{cookie: newCookie(), place: place{addr: netip.MustParseAddr(addr), query: query}}
}

// One address cannot take the room of all: neither with many viewers, nor with long queries, nor with those that were refused.
func TestRoomForViewersOfOtherAddresses(t *testing.T) {
	long := strings.Repeat("x", maxQuery-10)
	for name, fill := range map[string]func(l *viewers, i int){
		"viewers": func(l *viewers, _ int) { l.add(viewerIn("192.0.2.1", "")) },
		"queries": func(l *viewers, i int) { l.add(viewerIn("192.0.2.1", fmt.Sprint(i, long))) },
		"a /64":   func(l *viewers, i int) { l.add(viewerIn(fmt.Sprintf("2001:db8::%x", i%5000), fmt.Sprint(i, long))) },
		"refused": func(l *viewers, i int) { l.deny(viewerIn("192.0.2.1", fmt.Sprint(i, long)).place, errors.New("no")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l viewers
				for i := range maxViewers + 1 {
					fill(&l, i)
				}
				require.True(t, l.add(viewerIn("192.0.2.2", "token="+long)))
				require.True(t, l.add(viewerIn("2001:db8:0:1::1", "token="+long)))
				for _, v := range l.all() {
					require.True(t, l.end(v, nil))
				}
				time.Sleep(2 * viewerTime)
				l.mu.Lock()
				defer l.mu.Unlock()
				require.Zero(t, l.text)
				require.Zero(t, l.byNet.Len())
			})
		})
	}
}
