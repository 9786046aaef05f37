package cookbook

import (
	"fmt"
	"io"

	"github.com/sluice-media/sluice/media"
)

// printViewers lists who watches a stream.
func printViewers(w io.Writer, m *media.Server, app, name string) {
	st, ok := m.Stream(media.StreamKey{App: app, Name: name})
	if !ok {
		return
	}
	for _, p := range st.Players() {
		x := p.Session()
		_, sent := x.Bytes()
		fmt.Fprintf(w, "%s %s %s, %d bytes, %d packets skipped\n", x.Info().ID, x.Info().Protocol, x.Info().Remote, sent, x.Skipped())
	}
}
