package rtsp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// Whatever a client asks for, and however it spoils it: passwords and tokens of its URL are not in the log.
func TestURLsInLogHaveNoSecrets(t *testing.T) {
	const canary = "canary9f8e7d"
	var log testlog.Buffer
	_, addr := start(t, media.Config{
		Logger: log.Logger(),
		Hooks:  []hook.Hook{&gate{publish: hook.Deny(401, "no")}}, PlayWait: -1,
	}, rtsp.Config{})
	for _, authority := range []string{"me:" + canary + "@h", canary + "@h", "h"} {
		for _, path := range []string{"", "/", "/nope", "/live/denied", "/live/test"} {
			url := "rtsp://" + authority + path + "?token=" + canary
			for _, text := range []string{
				"OPTIONS " + url + " RTSP/1.0\nCSeq: 1",
				"DESCRIBE " + url + " RTSP/1.0\nCSeq: 1",
				"SETUP " + url + "/trackID=0 RTSP/1.0\nCSeq: 1\n" + viaTCP,
				"SETUP " + url[:strings.Index(url, "?")] + "?" + canary + "/trackID=0 RTSP/1.0\nCSeq: 1\n" + viaTCP,
				announce(url),
				"DESCRIBE " + url + " and more RTSP/1.0\nCSeq: 1",
				"OPTIONS * RTSP/1.0\nAuthorization " + canary,
			} {
				conn := dial(t, addr)
				_, err := conn.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n"))
				require.NoError(t, err)
				_, _ = conn.Read(make([]byte, 4096)) // the answer, or the end
				conn.Close()
			}
		}
	}
	require.Contains(t, log.String(), "token=xxxxx")
	require.NotContains(t, log.String(), canary)
}

// What cannot be dialed is named without its password, also where that spoils the URL.
func TestDialErrorsHaveNoSecrets(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	for _, url := range []string{"rtsp://me:canary@127.0.0.1:1/x?t=canary", "rtsp://me:canary/x@127.0.0.1/x", "rtsp://me:can%zzary@h/", "http://me:canary@h/x"} {
		err := rtsp.Pull(t.Context(), m, url, testKey, rtsp.ClientConfig{})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "canary", url)
		require.NotContains(t, err.Error(), "ary", url)
	}
}
