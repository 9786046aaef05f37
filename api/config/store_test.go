package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
)

func TestStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.ini")
	require.NoError(t, os.WriteFile(path, []byte("# mine\n[ffmpeg]\ncmd_hd=%s x\n[hook]\nenable=0\n"), 0o600))
	cfg, _, _, err := config.Load(path)
	require.NoError(t, err)
	var applied []string
	refuse := false
	s := config.NewStore(cfg, path, func(c *config.Config) error {
		if refuse {
			return errors.New("no")
		}
		applied = append(applied, c.String("hook.on_play"))
		return nil
	})
	for name, c := range map[string]struct {
		values  map[string]string
		changed int
		fails   bool
	}{
		"nothing":                 {nil, 0, false},
		"what it is already":      {map[string]string{"hook.enable": "0"}, 0, false},
		"an unknown key":          {map[string]string{"hook.nonsense": "1"}, 0, false},
		"a key in the wrong case": {map[string]string{"Hook.enable": "1"}, 0, false},
		"a program":               {map[string]string{"ffmpeg.bin": "/bin/sh", "ffmpeg.cmd": "%s", "ffmpeg.snap": "%s", "ffmpeg.cmd_hd": "%s"}, 0, false},
		"the file of an outbox":   {map[string]string{"hook.outbox": "/x"}, 0, false},
		"a bad value":             {map[string]string{"http.port": "x"}, 0, true},
		"a line break":            {map[string]string{"hook.on_play": "http://a\n[api]"}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.All()
			changed, refused, err := s.Update(c.values)
			require.NoError(t, err)
			require.Equal(t, c.changed, changed)
			require.Equal(t, c.fails, len(refused) > 0, "%v", refused)
			require.Equal(t, before, s.All())
		})
	}
	require.Empty(t, applied)
	changed, refused, err := s.Update(map[string]string{"hook.enable": "1", "hook.on_play": "http://a"})
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Equal(t, 2, changed)
	require.Equal(t, []string{"http://a"}, applied)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "# mine\n[ffmpeg]\ncmd_hd=%s x\n"), "%s", text)
	require.Contains(t, string(text), "on_play=http://a\n")
	refuse = true
	_, _, err = s.Update(map[string]string{"hook.enable": "0"})
	require.EqualError(t, err, "no")
	require.Equal(t, "1", s.All()["hook.enable"])
}

// One value that is none leaves the rest of a batch as it is, and is named; an empty number means its default.
func TestStoreTakesWhatIsValid(t *testing.T) {
	s := config.NewStore(config.New(), "", nil)
	changed, refused, err := s.Update(map[string]string{
		"general.flowThreshold": "77", "hook.timeoutSec": "x", "hook.on_play": "http://a\n[api]", "rtp.videoMtuSize": "1", "hook.on_publish": "a\x00b",
		"general.mergeWriteMS": "300",
	})
	require.NoError(t, err)
	require.Equal(t, 2, changed)
	require.Len(t, refused, 4)
	text := errors.Join(refused...).Error()
	for _, key := range []string{"hook.timeoutSec", "hook.on_play", "rtp.videoMtuSize"} {
		require.Contains(t, text, key)
	}
	require.Equal(t, "77", s.All()["general.flowThreshold"])
	require.NotContains(t, s.All()["hook.on_play"], "http://a")

	changed, refused, err = s.Update(map[string]string{
		"general.flowThreshold": "", "rtp_proxy.port_range": "", "http.allow_ip_range": "", "rtmp.port": " ",
	})
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Equal(t, 2, changed, "the port and the range are the defaults already")
	require.Equal(t, config.New().String("general.flowThreshold"), s.All()["general.flowThreshold"])
	require.Empty(t, s.All()["http.allow_ip_range"], "an empty list is one")
}
