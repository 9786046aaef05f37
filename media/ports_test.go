package media_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

func opens(int) error { return nil }

// Pairs are even, within their span, and one's own until they are released.
func TestLeasePorts(t *testing.T) {
	for name, c := range map[string]struct {
		span  [2]int
		ports []int
	}{
		"even ends":   {[2]int{40000, 40006}, []int{40000, 40002, 40004}},
		"odd ends":    {[2]int{40001, 40007}, []int{40002, 40004, 40006}},
		"the last":    {[2]int{65534, 65535}, []int{65534}},
		"one port":    {[2]int{40000, 40000}, nil},
		"turned":      {[2]int{40010, 40000}, nil},
		"negative":    {[2]int{-10, 40000}, nil},
		"beyond 2^16": {[2]int{65000, 70000}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := newServer(t, media.Config{})
			var got []int
			var releases []func()
			for range c.ports {
				release, err := m.LeasePorts(c.span, func(port int) error {
					got = append(got, port)
					return nil
				})
				require.NoError(t, err)
				releases = append(releases, release)
			}
			require.ElementsMatch(t, c.ports, got)
			_, err := m.LeasePorts(c.span, func(int) error {
				t.Error("all are leased, and one is opened")
				return nil
			})
			require.ErrorIs(t, err, media.ErrNoPorts)
			for i, release := range releases {
				release()
				again, err := m.LeasePorts(c.span, func(port int) error {
					require.Equal(t, got[i], port)
					return nil
				})
				require.NoError(t, err)
				release() // the second time it is another's
				_, err = m.LeasePorts(c.span, opens)
				require.ErrorIs(t, err, media.ErrNoPorts)
				_ = again
			}
		})
	}
}

// Ports of others are passed over and told in the error, and what else fails ends the search.
func TestLeasePortsThatDoNotOpen(t *testing.T) {
	m := newServer(t, media.Config{})
	span, tries := [2]int{40000, 40039}, 0
	_, err := m.LeasePorts(span, func(int) error {
		tries++
		return media.ErrPortTaken
	})
	require.ErrorIs(t, err, media.ErrNoPorts)
	require.ErrorContains(t, err, "from 40000 to 40039: of 20, others have 20")
	require.Equal(t, 20, tries)
	tries = 0
	broken := errors.New("too many open files")
	_, err = m.LeasePorts(span, func(int) error {
		tries++
		return broken
	})
	require.ErrorIs(t, err, broken)
	require.Equal(t, 1, tries)
	_, err = m.LeasePorts(span, func(int) error { panic("the host's") })
	require.ErrorContains(t, err, "the host's")
	for range 20 {
		_, err := m.LeasePorts(span, opens)
		require.NoError(t, err, "what failed is free")
	}
}

// As many as there are pairs get one each, however they come together.
func TestLeasePortsTogether(t *testing.T) {
	m := newServer(t, media.Config{})
	for range 50 {
		var mu sync.Mutex
		seen := map[int]bool{}
		var leasing sync.WaitGroup
		releases := make(chan func(), 20)
		for range 20 {
			leasing.Go(func() {
				release, err := m.LeasePorts([2]int{40000, 40039}, func(port int) error {
					mu.Lock()
					defer mu.Unlock()
					if seen[port] {
						return errors.New("leased twice")
					}
					seen[port] = true
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				releases <- release
			})
		}
		leasing.Wait()
		close(releases)
		for release := range releases {
			release()
		}
	}
}
