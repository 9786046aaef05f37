package datagram

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func frames(channel byte, sizes ...int) []byte {
	var b []byte
	for i, n := range sizes {
		b = append(b, '$', channel, byte(n>>8), byte(n))
		for range n {
			b = append(b, byte(i))
		}
	}
	return b
}

// Frames of one size and a shorter one at the end are one run; all else begins another.
func TestRuns(t *testing.T) {
	type run struct {
		channel byte
		unit    int
		bytes   int
	}
	many := make([]int, 130)
	for i := range many {
		many[i] = 10
	}
	for name, c := range map[string]struct {
		in   []byte
		want []run
	}{
		"one":             {frames(0, 100), []run{{0, 100, 100}}},
		"short at end":    {frames(0, 100, 100, 40), []run{{0, 100, 240}}},
		"after the short": {frames(0, 100, 40, 40), []run{{0, 100, 140}, {0, 40, 40}}},
		"longer":          {frames(0, 40, 100, 100), []run{{0, 40, 40}, {0, 100, 200}}},
		"two channels":    {append(frames(1, 28), frames(2, 28, 28)...), []run{{1, 28, 28}, {2, 28, 56}}},
		"too many":        {frames(0, many...), []run{{0, 10, 640}, {0, 10, 640}, {0, 10, 20}}},
		"too large":       {frames(0, 30000, 30000, 30000), []run{{0, 30000, 60000}, {0, 30000, 30000}}},
		"none":            {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []run
			var all []byte
			for b := AppendRuns(nil, c.in); len(b) > 0; {
				r := run{}
				var packets []byte
				r.channel, r.unit, packets, b = TakeRun(b)
				r.bytes = len(packets)
				all = append(all, packets...)
				got = append(got, r)
			}
			require.Equal(t, c.want, got)
			var sent []byte
			for b := c.in; len(b) > 0; {
				n := 4 + int(b[2])<<8 + int(b[3])
				sent, b = append(sent, b[4:n]...), b[n:]
			}
			require.Equal(t, sent, all)
		})
	}
}
