package config_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
)

func TestDefaults(t *testing.T) {
	c := config.New()
	require.Equal(t, 8080, c.Int("http.port"))
	require.Equal(t, 15*time.Second, c.Duration("protocol.continue_push_ms"))
	require.Equal(t, 2*time.Second, c.Duration("hls.segDur"))
	require.True(t, c.Bool("protocol.enable_rtmp"))
	require.InDelta(t, 3, c.Float("hook.retry_delay"), 0)
	require.Len(t, c.String("api.secret"), 32)
	require.Len(t, c.String("general.mediaServerId"), 16)
	require.NotEqual(t, config.New().String("api.secret"), c.String("api.secret"))
	require.Zero(t, c.Int("no.such"))
	require.False(t, c.Bool("no.such"))
}

func TestKeysAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range config.Keys() {
		require.False(t, seen[k.Name], k.Name)
		seen[k.Name] = true
		require.NotEmpty(t, k.Comment, k.Name)
		c := config.New()
		if k.Name != "api.secret" {
			require.NoError(t, c.Set(k.Name, k.Default), k.Name)
		}
	}
}

func TestParse(t *testing.T) {
	c, warnings, err := config.Parse(strings.NewReader("\xef\xbb\xbf# comment\r\n[http]\r\nport = 81\r\n; other\n[hook]\n" +
		"on_play=http://h/p?a=b#c\n\n[ffmpeg]\ncmd_hd=%s x\n[http]\nprot=1\nnonsense\n[api]\nsecret=035c73f7-bb6b-4889-a715-d9eb2d1925cc\n"))
	require.NoError(t, err)
	require.Equal(t, 81, c.Int("http.port"))
	require.Equal(t, "http://h/p?a=b#c", c.String("hook.on_play"))
	require.Equal(t, "%s x", c.String("ffmpeg.cmd_hd"))
	require.Equal(t, "1", c.String("http.prot"), "an unknown key is kept")
	require.Len(t, warnings, 3)
	require.Equal(t, `line 11: unknown key "http.prot", did you mean "http.port"?`, warnings[0].String())
	require.Equal(t, 12, warnings[1].Line)
	require.NotContains(t, fmt.Sprint(warnings), "035c73f7")
}

// Whoever has no secret in the file is told that it changes with each start.
func TestSecretThatIsNotSet(t *testing.T) {
	for text, want := range map[string]string{
		"[http]\nport=81\n":   "line 2: api.secret is not set: there is a random one until the next start",
		"[api]\nsecret=\n":    "line 2: api.secret is empty: there is a random one until the next start",
		"[api]\nsecret=own\n": "",
	} {
		c, warnings, err := config.Parse(strings.NewReader(text))
		require.NoError(t, err)
		require.NotEmpty(t, c.String("api.secret"))
		if want == "" {
			require.Empty(t, warnings)
			continue
		}
		require.Len(t, warnings, 1)
		require.Equal(t, want, warnings[0].String())
	}
}

func TestLoadInAMissingFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "none")
	_, _, _, err := config.Load(filepath.Join(folder, "config.ini"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "the folder of "+filepath.Join(folder, "config.ini"))
}

func TestBadValuesAreAllNamed(t *testing.T) {
	_, _, err := config.Parse(strings.NewReader("[http]\nport=99999\n[protocol]\nenable_hls=maybe\nmp4_max_second=-1\n[hls]\nsegDur=NaN\n" +
		"[general]\nlisten_ip=anywhere\nmergeWriteMS=20000\n[rtp_proxy]\nport_range=30000-30010\n[rtsp]\nrtpTransportType=-2\n" +
		"[http]\nallow_ip_range=10.0.0.9-10.0.0.1\n"))
	for _, want := range []string{
		`line 2: http.port is "99999", but must be a port from 0 to 65535`,
		`line 4: protocol.enable_hls is "maybe", but must be 0 or 1`,
		`line 5: protocol.mp4_max_second is "-1"`,
		`line 7: hls.segDur is "NaN"`,
		`line 9: general.listen_ip is "anywhere", but must be an IP address`,
		`line 10: general.mergeWriteMS is "20000", but must be from 0 to 10000`,
		`line 12: rtp_proxy.port_range is "30000-30010", but must be a range of at least 36 ports`,
		`line 14: rtsp.rtpTransportType is "-2", but must be from -1 to 2`,
		`line 16: http.allow_ip_range is "10.0.0.9-10.0.0.1", but must be IP addresses`,
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	const secret = "correct-horse-battery"
	_, warnings, err := config.Parse(strings.NewReader("[api]\nsecret " + secret + "\nsecert=" + secret + "\nsecret=" + secret +
		"\n[srt]\npassPhrase=" + secret + "\nport=x\n"))
	require.Error(t, err)
	require.Len(t, warnings, 2)
	require.NotContains(t, fmt.Sprint(warnings, err), secret)
}

func TestEmptySecretIsReplaced(t *testing.T) {
	c, warnings, err := config.Parse(strings.NewReader("[api]\nsecret=\n"))
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	require.Equal(t, 2, warnings[0].Line)
	require.Len(t, c.String("api.secret"), 32)
}

func TestRestart(t *testing.T) {
	restart := map[string]bool{}
	for _, k := range config.Keys() {
		restart[k.Name] = k.Restart()
	}
	require.True(t, restart["http.port"])
	require.True(t, restart["general.listen_ip"])
	require.False(t, restart["api.secret"])
	require.False(t, restart["hook.on_play"])
}

func TestBounds(t *testing.T) {
	_, _, err := config.Parse(strings.NewReader(strings.Repeat("x", 70000)))
	require.ErrorContains(t, err, "longer than")
	_, _, err = config.Parse(strings.NewReader(strings.Repeat("#xxxxxxxxxxxxxxxxx\n", 70000)))
	require.ErrorContains(t, err, "longer than")
}

func TestLoadWritesAndKeeps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.ini")
	c, created, _, err := config.Load(path)
	require.NoError(t, err)
	require.True(t, created)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	again, created, warnings, err := config.Load(path)
	require.NoError(t, err)
	require.False(t, created)
	require.Empty(t, warnings)
	require.Equal(t, c.All(), again.All())

	require.NoError(t, os.WriteFile(path, []byte("; mine\n[http]\n# the port\nport=81\nneither\nmine=2\n[own]\nx=y\n"), 0o600))
	require.NoError(t, os.Chmod(path, 0o640))
	c, _, _, err = config.Load(path)
	require.NoError(t, err)
	require.NoError(t, c.Set("http.port", "82"))
	require.NoError(t, c.Set("own.z", "9"))
	require.NoError(t, c.WriteFile(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "; mine\n[http]\n# the port\nport=82\nneither\nmine=2\n"), string(text[:80]))
	info, err = os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	again, _, _, err = config.Load(path)
	require.NoError(t, err)
	require.Equal(t, c.All(), again.All())
}

func TestSet(t *testing.T) {
	c := config.New()
	require.Error(t, c.Set("http.port", "x"))
	require.Error(t, c.Set("own", "a\nb"))
	require.NoError(t, c.Set("http.port", " 1 "))
	require.Equal(t, 1, c.Int("http.port"))
}

// What is no text is an error rather than a file without settings, which would mean the defaults.
func TestFileThatIsNoText(t *testing.T) {
	for name, text := range map[string]string{
		"zeros":   "[api]\x00\nsecret=abc\n",
		"UTF-16":  "\xff\xfe[\x00a\x00p\x00i\x00]\x00\n\x00",
		"binary":  "\x89PNG\r\n\x1a\n[api]\nsecret=abc\n",
		"escapes": "[api]\nsecret=a\x1b[31mbc\n",
	} {
		_, _, err := config.Parse(strings.NewReader(text))
		require.ErrorContains(t, err, "no text", name)
		path := filepath.Join(t.TempDir(), "config.ini")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, created, _, err := config.Load(path)
		require.Error(t, err)
		require.False(t, created)
	}
	c, _, err := config.Parse(strings.NewReader("\xef\xbb\xbf# caf\xe9\r\n[api]\r\n\tsecret = abc\r\n[http]\nport=\n"))
	require.NoError(t, err)
	require.Equal(t, "abc", c.String("api.secret"))
	require.Equal(t, config.New().String("http.port"), c.String("http.port"), "an empty number means its default")
}

func FuzzParse(f *testing.F) {
	f.Add("[http]\nport=80\n# x\n; y\nunknown = 1\n")
	f.Add("a=b\n[x]\n[]\n=\n[y\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, _, err := config.Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "c.ini")
		require.NoError(t, c.WriteFile(path))
		again, _, _, err := config.Load(path)
		require.NoError(t, err)
		require.Equal(t, c.All(), again.All())
	})
}

func Example() {
	c, warnings, err := config.Parse(strings.NewReader("[api]\nsecret=my own\n[rtmp]\nport=1936\nprot=1\n"))
	fmt.Println(c.Int("rtmp.port"), warnings, err)
	// Output: 1936 [line 5: unknown key "rtmp.prot", did you mean "rtmp.port"?] <nil>
}
