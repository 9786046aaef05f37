package shell

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// Whatever comes is lines within the limit, each of which has an answer.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{
		"media -l\r\n", "media -k -S rtmp --app=live\r\nhelp\r\n", "a\nb\r\n", "\xff\xf4\xff\xfd\x06", "media --", "media -lS\r\n",
		"clear\r\nexit\r\n", "media --stream\r\n", strings.Repeat("x", 200),
	} {
		f.Add([]byte(seed))
	}
	m, err := media.New(media.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(f, err)
	f.Cleanup(func() { _ = m.Close() })
	s := &Server{media: m}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReader(strings.NewReader(string(data)))
		for {
			line, err := readLine(r, 128)
			if err != nil {
				require.True(t, errors.Is(err, io.EOF) || errors.Is(err, errLongLine) || errors.Is(err, errInterrupted), "%v", err)
				return
			}
			require.LessOrEqual(t, len(line), 126)
			text, err := s.execute(line)
			if err != nil {
				require.ErrorIs(t, err, errQuit)
				return
			}
			require.True(t, text == "" || strings.HasSuffix(text, "\r\n") || strings.HasSuffix(text, "\x1b[H"), "%q", text)
		}
	})
}
