package hlscheck_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/hls/hlscheck"
)

// Three versions of a playlist with nothing wrong, and a delta update.
const (
	head = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.0,CAN-SKIP-UNTIL=12
#EXT-X-PART-INF:PART-TARGET=1.0
`
	first = head + `#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="a.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:2.000,
7.mp4
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXTINF:2.000,
8.mp4
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:04.000Z
#EXT-X-PART:DURATION=1.000,URI="9.p0.mp4",INDEPENDENT=YES
#EXT-X-PART:DURATION=1.000,URI="9.p1.mp4"
#EXTINF:2.000,
9.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="b.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:06.000Z
#EXT-X-PART:DURATION=0.900,URI="10.p0.mp4",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="10.p1.mp4"
`
	rest = `#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:04.000Z
#EXTINF:2.000,
9.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="b.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:06.000Z
#EXT-X-PART:DURATION=0.900,URI="10.p0.mp4",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.400,URI="10.p1.mp4"
#EXTINF:1.300,
10.mp4
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:07.300Z
#EXT-X-PART:DURATION=1.000,URI="11.p0.mp4",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="11.p1.mp4"
`
	second = head + `#EXT-X-MEDIA-SEQUENCE:8
#EXT-X-DISCONTINUITY-SEQUENCE:5
#EXT-X-MAP:URI="a.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXTINF:2.000,
8.mp4
` + rest
	// What is left out is too near to its end for the RFC: one of the cases below says so.
	delta = head + `#EXT-X-MEDIA-SEQUENCE:8
#EXT-X-DISCONTINUITY-SEQUENCE:5
#EXT-X-SKIP:SKIPPED-SEGMENTS=1
` + rest
	last = head + `#EXT-X-MEDIA-SEQUENCE:9
#EXT-X-DISCONTINUITY-SEQUENCE:5
#EXT-X-MAP:URI="a.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:04.000Z
#EXTINF:2.000,
9.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="b.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:06.000Z
#EXTINF:1.300,
10.mp4
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:07.300Z
#EXT-X-PART:DURATION=1.000,URI="11.p0.mp4",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.500,URI="11.p1.mp4"
#EXTINF:1.500,
11.mp4
#EXT-X-ENDLIST
`
)

func TestNothingIsWrong(t *testing.T) {
	var h hlscheck.History
	for _, text := range []string{first, first, second, last, last} {
		require.NotNil(t, h.Take(text))
	}
	require.Empty(t, h.Problems)
}

func TestDeltaIsTheWhole(t *testing.T) {
	var whole, part hlscheck.History
	whole.Take(first)
	part.Take(first)
	a, b := whole.Take(second), part.Take(delta)
	require.Equal(t, a.Segments, b.Segments)
	require.Equal(t, a.URIs(), b.URIs())
	require.Len(t, part.Problems, 1)
	require.Contains(t, part.Problems[0], "less than CAN-SKIP-UNTIL")
}

// What is to find damage is shown some: in a version something stands for something else.
func TestDamageIsFound(t *testing.T) {
	for _, c := range []struct{ name, version, old, new, want string }{
		{"no head", "first", "#EXTM3U\n", "", "does not begin"},
		{"a tag twice", "first", "#EXT-X-VERSION:9\n", "#EXT-X-VERSION:9\n#EXT-X-VERSION:9\n", "twice"},
		{"a tag of others", "first", "#EXTINF:2.000,\n7", "#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXTINF:2.000,\n7", "no tag of a media playlist"},
		{"no target duration", "first", "#EXT-X-TARGETDURATION:2\n", "", "no target duration"},
		{"no comma", "first", "#EXTINF:2.000,\n8", "#EXTINF:2.000\n8", "needs a comma"},
		{"no duration", "first", "#EXTINF:2.000,\n8", "8", "no duration"},
		{"a sign", "first", "#EXTINF:2.000,\n8", "#EXTINF:-2.000,\n8", "no number of seconds"},
		{"no quotes", "first", `URI="a.mp4"`, "URI=a.mp4", "no URI in quotes"},
		{"a quote", "first", `URI="a.mp4"`, `URI="a.mp4`, "not quoted"},
		{"an attribute twice", "first", "DURATION=0.900,", "DURATION=0.900,DURATION=0.900,", "twice"},
		{"a tag within", "first", "#EXTINF:2.000,\n9", "#EXT-X-DISCONTINUITY\n#EXTINF:2.000,\n9", "within a segment"},
		{"a segment behind the hint", "first", `URI="10.p1.mp4"` + "\n", `URI="10.p1.mp4"` + "\n#EXTINF:2.000,\nx\n", "behind the hint"},
		{"a half line", "first", "\"10.p1.mp4\"\n", "\"10.p1.mp4\"", "the last line"},

		{"a long segment", "first", "#EXTINF:2.000,\n8", "#EXTINF:2.500,\n8", "the target duration is 2s"},
		{"a segment without a length", "first", "#EXTINF:2.000,\n8", "#EXTINF:0.000,\n8", "has no length"},
		{"a gap of dates", "first", "00:02.000Z", "00:02.010Z", "dated 10ms"},
		{"no date", "first", "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z\n", "", "has a date or not"},
		{"a map without a discontinuity", "first", "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"b.mp4\"", "#EXT-X-MAP:URI=\"b.mp4\"", "another map"},
		{"no map", "first", "#EXT-X-MAP:URI=\"a.mp4\"\n", "", "has a map or not"},
		{"an old version", "first", "VERSION:9", "VERSION:5", "needs"},
		{"a long part", "first", "DURATION=0.900", "DURATION=1.100", "the part target is 1s"},
		{"a short part", "first", `DURATION=1.000,URI="9.p0.mp4",INDEPENDENT=YES`, `DURATION=0.800,URI="9.p0.mp4"`, "lasts 800ms only"},
		{"parts of another length", "second", "DURATION=0.400", "DURATION=0.500", "the parts of segment 2 last"},
		{"parts without a target", "first", "#EXT-X-PART-INF:PART-TARGET=1.0\n", "", "without a part target"},
		{"no hold back", "first", "PART-HOLD-BACK=3.0", "PART-HOLD-BACK=1.5", "PART-HOLD-BACK"},
		{"skips too early", "first", "CAN-SKIP-UNTIL=12", "CAN-SKIP-UNTIL=11", "six target durations"},
		{"old parts", "first", "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"a.mp4\"\n", "#EXT-X-MAP:URI=\"a.mp4\"\n#EXT-X-PART:DURATION=1.0,URI=\"x\"\n#EXTINF:1.0,\n6.mp4\n", "has parts 6.9s before the end"},

		{"another target duration", "second", "TARGETDURATION:2", "TARGETDURATION:3", "the target duration was 2s"},
		{"another part target", "second", "PART-TARGET=1.0", "PART-TARGET=1.1", "part target or the server control"},
		{"a sequence that goes back", "second", "MEDIA-SEQUENCE:8", "MEDIA-SEQUENCE:6", "goes back"},
		{"a sequence that stands still", "second", "MEDIA-SEQUENCE:8", "MEDIA-SEQUENCE:7", "segment 7 has come to be a discontinuity"},
		{"a discontinuity that is not counted", "second", "#EXT-X-DISCONTINUITY-SEQUENCE:5\n", "#EXT-X-DISCONTINUITY-SEQUENCE:4\n", "the discontinuity sequence is 4"},
		{"a discontinuity that vanishes", "second", "#EXT-X-DISCONTINUITY\n", "", "to be a discontinuity"},
		{"another duration", "second", "#EXTINF:2.000,\n8", "#EXTINF:2.001,\n8", "segment 8 was"},
		{"another URI", "second", "\n8.mp4", "\n8b.mp4", "segment 8 was"},
		{"another map", "second", `MAP:URI="a.mp4"`, `MAP:URI="c.mp4"`, "the map of segment 8"},
		{"another date", "second", "00:02.000Z", "00:02.001Z", "the date of segment 8"},
		{"another part", "second", `DURATION=0.900,URI="10.p0.mp4"`, `DURATION=0.900,URI="10.p9.mp4"`, "segment 10 had the parts"},
		{"another part than the hint said", "second", `URI="10.p1.mp4"`, `URI="10.p7.mp4"`, `"10.p1.mp4" was said to come, and "10.p7.mp4" has come`},
		{"segments that vanish", "second", rest, "", "vanished"},
		{"a window that is too short, and goes on", "last", "#EXT-X-ENDLIST\n", "", "less than three target durations"},
		{"what changes behind the end", "last again", "#EXT-X-ENDLIST\n", "", "changed behind its end"},
		{"a hint that is let down", "second", `#EXT-X-PART:DURATION=0.400,URI="10.p1.mp4"` + "\n", "", `"10.p1.mp4" was said to come, and "11.p0.mp4" has come`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h hlscheck.History
			damaged := false
			for i, text := range []string{first, second, last, last} {
				if []string{"first", "second", "last", "last again"}[i] == c.version {
					require.Contains(t, text, c.old)
					text, damaged = strings.Replace(text, c.old, c.new, 1), true
				}
				if h.Take(text); damaged {
					break
				}
			}
			require.Contains(t, strings.Join(h.Problems, "\n"), c.want)
		})
	}
}
