package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

// prepareRecords brings the server into the state of a capture of what has to do with recordings.
func (g *stage) prepareRecords(name string) {
	switch name {
	case "startRecord.mp4", "startRecord.hls_on", "startRecord.hls_restart", "startRecord.custom_path", "startRecord.bad_type",
		"stopRecord.again", "isRecording.hls_off", "isRecording.stopped", "seekRecordStamp.live":
		g.live()
	case "getMediaInfo.recording":
		publishClip(g.t, g.ports["28935"], "test")
		g.await("test")
		g.call("startRecord", "vhost=__defaultVhost__&app=live&stream=test&type=1")
	case "startRecord.mp4_again", "stopRecord.mp4", "isRecording.yes":
		g.live()
		g.call("startRecord", "vhost=__defaultVhost__&app=live&stream=test&type=1")
	case "stopRecord.hls":
		g.live()
		g.call("startRecord", "vhost=__defaultVhost__&app=live&stream=test&type=0")
	case "startRecordTask":
		g.live()
		g.call("startRecord", "vhost=__defaultVhost__&app=live&stream=test&type=1&customized_path="+
			url.QueryEscape(filepath.Join(filepath.Dir(g.www), "custom")))
	case "getMP4RecordFile.while_recording":
		g.addRecordings(2)
	case "loadMP4File.ok":
		g.addRecordings(1)
	case "setRecordSpeed.ok", "setRecordSpeed.bad", "getMediaInfo.mp4_vod":
		g.load("x")
	case "seekRecordStamp.ok", "seekRecordStamp.bad", "close_stream.vod":
		g.load("y")
	default:
		if strings.HasPrefix(name, "getMp4RecordFile.") || strings.HasPrefix(name, "deleteRecordDirectory.") {
			g.addRecordings(3)
		} else {
			g.prepareRelays(name)
		}
	}
}

// call makes a call that is to succeed.
func (g *stage) call(name, query string) {
	g.t.Helper()
	res, err := http.Get("http://" + g.ports["28080"] + "/index/api/" + name + "?secret=" + goldenSecret + "&" + query)
	require.NoError(g.t, err)
	defer res.Body.Close()
	body := new(strings.Builder)
	require.NoError(g.t, res.Write(body))
	require.Contains(g.t, body.String(), `"code": 0`, name)
}

// load plays a recording as a stream.
func (g *stage) load(name string) {
	g.addRecordings(1)
	g.call("loadMP4File", "vhost=__defaultVhost__&app=vod&stream="+name+"&file_path="+url.QueryEscape(g.recording(0)))
}

// recording is the path of a recording of the captures.
func (g *stage) recording(n int) string {
	return filepath.Join(g.www, "record/live/test", day, fmt.Sprintf("%s-09-35-08-%d.mp4", day, n))
}

// addRecordings puts recordings where those of the captures are.
func (g *stage) addRecordings(n int) {
	whole := record6s(g.t)
	for i := range n {
		require.NoError(g.t, os.MkdirAll(filepath.Dir(g.recording(i)), 0o700))
		require.NoError(g.t, os.WriteFile(g.recording(i), whole, 0o600))
	}
}

// record6s returns a recording of the clip of the tests.
func record6s(t *testing.T) []byte {
	t.Helper()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	dir := t.TempDir()
	r, err := record.New(m, record.Config{Dir: dir})
	require.NoError(t, err)
	key := media.StreamKey{App: "live", Name: "test"}
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: key})
	require.NoError(t, err)
	tracks, packets := reel.Load(t, testmedia.H264())
	require.NoError(t, pub.SetTracks(tracks...))
	require.NoError(t, r.Start(t.Context(), record.Request{Stream: key}))
	for _, p := range packets {
		require.NoError(t, pub.WritePacket(p))
		time.Sleep(10 * time.Microsecond)
	}
	pub.Close(nil)
	require.Eventually(t, func() bool { return !r.Recording(key, record.MP4) }, limit, time.Millisecond)
	require.NoError(t, r.Shutdown(t.Context()))
	files, err := filepath.Glob(filepath.Join(dir, "record/live/test/*/*.mp4"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	whole, err := os.ReadFile(files[0])
	require.NoError(t, err)
	return whole
}

// publishLoops publishes live/<name>, and returns what writes the clip of the tests to it, so many times, at once.
func (g *stage) publishLoops(name string) (more func(times int)) {
	pub, err := g.media.Publish(g.t.Context(), media.PublishRequest{
		Stream: media.StreamKey{App: "live", Name: name}, Schema: "rtmp",
	})
	require.NoError(g.t, err)
	g.t.Cleanup(func() { pub.Close(nil) })
	tracks, packets := reel.Load(g.t, testmedia.H264())
	require.NoError(g.t, pub.SetTracks(tracks...))
	at := time.Duration(0)
	return func(times int) {
		for range times {
			for _, p := range packets {
				x := *p
				x.DTS, x.PTS = x.DTS+at, x.PTS+at
				require.NoError(g.t, pub.WritePacket(&x))
				time.Sleep(10 * time.Microsecond)
			}
			at += 6 * time.Second
		}
		time.Sleep(100 * time.Millisecond) // what records is to read it
	}
}

// forget lets the backend forget what it was told.
func (g *hooked) forget(what func(told) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = slices.DeleteFunc(g.told, what)
}
