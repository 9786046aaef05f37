package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/examples/gb28181/internal/device"
	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
	"github.com/sluice-media/sluice/examples/gb28181/internal/platform"
	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

const patience = 30 * time.Second // on a busy machine

func TestMain(m *testing.M) {
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// program is the program while it runs.
type program struct {
	sip, url string
}

// start runs the program until the test ends.
func start(t *testing.T, mode gb28181.Mode) *program {
	t.Helper()
	o := options{http: "127.0.0.1:0", rtsp: "127.0.0.1:0"}
	var s sockets
	var err error
	for range 20 { // a port that is free by UDP may be taken by TCP
		s.udp, err = net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		o.sip = s.udp.LocalAddr().String() // of TCP it is the same
		if s.tcp, err = net.Listen("tcp", o.sip); err == nil {
			break
		}
		s.udp.Close()
	}
	require.NoError(t, err)
	s.http, err = net.Listen("tcp", o.http)
	require.NoError(t, err)
	s.rtsp, err = net.Listen("tcp", o.rtsp)
	require.NoError(t, err)
	t.Cleanup(s.close)
	cfg := platform.Config{Mode: mode, Password: passwords{others: "secret"}.of}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, cfg, gb28181.Config{}, &s, media.Config{NoneReaderDelay: 300 * time.Millisecond})
	}()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
	return &program{sip: o.sip, url: "http://" + s.http.Addr().String()}
}

const (
	deviceID  = "34020000001320000001"
	channelID = "34020000001310000001"
)

// camera registers a device until the test ends.
func (p *program) camera(t *testing.T, clip *device.Clip, change func(*device.Config)) *device.Device {
	t.Helper()
	cfg := device.Config{
		ID: deviceID, Password: "secret", Server: p.sip, ServerID: "34020000002000000001", Realm: "3402000000", Clip: clip,
		Channels: []manscdp.Item{{ID: channelID, Name: "<b>东门", Status: "ON"}}, Keepalive: time.Second, Speed: 3,
	}
	if change != nil {
		change(&cfg)
	}
	d, err := device.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = d.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		d.Close()
	})
	return d
}

// devices returns what the page lists.
func (p *program) devices(t *testing.T) (list []platform.Device) {
	t.Helper()
	require.NoError(t, json.Unmarshal(p.get(t, "/devices.json"), &list))
	return list
}

func (p *program) get(t *testing.T, path string) []byte {
	t.Helper()
	res, err := client.Get(p.url + path)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode, path)
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return b
}

// client keeps no connections, which would look like leaks.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func (p *program) awaitChannel(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		list := p.devices(t)
		return len(list) == 1 && len(list[0].Channels) == 1
	}, patience, 10*time.Millisecond)
}

// viewer collects what a player gets.
type viewer struct {
	video, audio [][]byte
	codecs       []media.Codec
}

func (v *viewer) SetTracks(tracks ...*media.Track) error {
	v.codecs = nil
	for _, t := range tracks {
		v.codecs = append(v.codecs, t.Codec)
	}
	return nil
}

func (*viewer) SetMetadata(map[string]any) {}

func (v *viewer) WritePacket(p *media.Packet) error {
	if p.Track.Codec.Video() {
		v.video = append(v.video, slicesOf(p.Track.Codec, p.Data))
	} else {
		v.audio = append(v.audio, p.Data)
	}
	return nil
}

// slicesOf returns the slices of a picture: parameter sets come and go.
func slicesOf(codec media.Codec, data []byte) (b []byte) {
	for unit := range h26x.Units(data) {
		if h26x.IsSlice(codec, h26x.UnitType(codec, unit[0])) {
			b = append(b, unit...)
		}
	}
	return b
}

// play watches the camera until there are so many pictures.
func (p *program) play(t *testing.T, pictures int) *viewer {
	t.Helper()
	return p.playStream(t, platform.StreamName(deviceID, channelID), pictures)
}

func (p *program) playStream(t *testing.T, name string, pictures int) *viewer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/rtp/"+name+".live.flv", nil)
	require.NoError(t, err)
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	v := &viewer{}
	demuxer, tags := flv.NewDemuxer(v), flv.NewReader(res.Body)
	for len(v.video) < pictures {
		kind, stamp, body, err := tags.Next()
		require.NoError(t, err)
		require.NoError(t, demuxer.Tag(kind, stamp, body))
	}
	return v
}

// requireRun requires pictures that follow each other as they do in a clip that is repeated.
func requireRun(t *testing.T, codec media.Codec, clip *device.Clip, pictures [][]byte) {
	t.Helper()
	at := slices.IndexFunc(clip.Pictures, func(b []byte) bool { return bytes.Equal(slicesOf(codec, b), pictures[0]) })
	require.GreaterOrEqual(t, at, 0, "the first picture is none of the camera's")
	for n, b := range pictures {
		want := slicesOf(codec, clip.Pictures[(at+n)%len(clip.Pictures)])
		require.True(t, bytes.Equal(want, b), "picture %d is none of the camera's", n)
	}
}

// What a viewer sees is what the camera has sent, by each transport.
func TestPlay(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]gb28181.Mode{"UDP": gb28181.UDP, "TCP passive": gb28181.TCPPassive, "TCP active": gb28181.TCPActive} {
		for codec, c := range map[media.Codec]struct {
			make  func() (*device.Clip, error)
			sound media.Codec
		}{media.H264: {device.H264, media.G711A}, media.H265: {device.H265, media.AAC}} {
			t.Run(fmt.Sprint(name, " ", codec), func(t *testing.T) {
				t.Parallel()
				clip, err := c.make()
				require.NoError(t, err)
				p := start(t, mode)
				d := p.camera(t, clip, func(x *device.Config) { x.TCP = codec == media.H265 })
				p.awaitChannel(t)
				for range 2 {
					v := p.play(t, 100)
					require.Equal(t, []media.Codec{codec, c.sound}, v.codecs)
					requireRun(t, codec, clip, v.video)
					require.NotEmpty(t, v.audio)
					for _, b := range v.audio {
						require.True(t, slices.ContainsFunc(clip.Sounds, func(s []byte) bool { return bytes.Equal(s, b) }), "a sound that is none of the camera's")
					}
					require.Eventually(t, func() bool { return d.Calls() == 0 }, patience, 10*time.Millisecond, "nobody watches, and there is no BYE")
				}
			})
		}
	}
}

// Fifty cameras that are watched at once, each of which is seen as it is.
func TestManyCameras(t *testing.T) {
	t.Parallel()
	const cameras = 50
	codecs := []media.Codec{media.H264, media.H265}
	var clips [2]*device.Clip
	var err1, err2 error
	clips[0], err1 = device.H264()
	clips[1], err2 = device.H265()
	require.NoError(t, errors.Join(err1, err2))
	p := start(t, gb28181.UDP)
	var all [cameras]*device.Device
	names := make([]string, cameras)
	for n := range cameras {
		id, channel := fmt.Sprintf("340200000013200%05d", n), fmt.Sprintf("340200000013100%05d", n)
		names[n] = platform.StreamName(id, channel)
		all[n] = p.camera(t, clips[n%2], func(c *device.Config) {
			c.ID, c.Channels, c.TCP, c.Speed = id, []manscdp.Item{{ID: channel}}, n%4 > 1, 1
		})
	}
	require.Eventually(t, func() bool {
		list := p.devices(t)
		return len(list) == cameras && !slices.ContainsFunc(list, func(d platform.Device) bool { return len(d.Channels) == 0 })
	}, patience, 50*time.Millisecond)
	var viewers sync.WaitGroup
	var seen [cameras]*viewer
	for n := range cameras {
		viewers.Go(func() { seen[n] = p.playStream(t, names[n], 50) })
	}
	viewers.Wait()
	for n, v := range seen {
		require.NotNil(t, v)
		requireRun(t, codecs[n%2], clips[n%2], v.video)
	}
	for _, d := range all {
		require.Eventually(t, func() bool { return d.Calls() == 0 }, patience, 10*time.Millisecond, "nobody watches, and there is no BYE")
	}
}

// A camera that chooses another SSRC is seen all the same.
func TestOtherSSRC(t *testing.T) {
	t.Parallel()
	clip, err := device.H264()
	require.NoError(t, err)
	p := start(t, gb28181.UDP)
	p.camera(t, clip, func(c *device.Config) { c.OtherSSRC = true })
	p.awaitChannel(t)
	requireRun(t, media.H264, clip, p.play(t, 30).video)
}

func TestPage(t *testing.T) {
	t.Parallel()
	p := start(t, gb28181.UDP)
	require.Empty(t, p.devices(t))
	require.Contains(t, string(p.get(t, "/")), "<title>Cameras</title>")
	require.Contains(t, string(p.get(t, "/page.js")), "devices.json")
	require.NotEmpty(t, p.get(t, "/page.css"))
	p.camera(t, nil, nil)
	p.awaitChannel(t)
	list := p.devices(t)
	require.True(t, list[0].Online)
	require.Equal(t, "<b>东门", list[0].Channels[0].Name)
	require.Equal(t, "rtp/"+deviceID+"_"+channelID, list[0].Channels[0].Stream)
	post := func(id, origin string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/devices/"+id+"/catalog", nil)
		require.NoError(t, err)
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		res, err := client.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		return res.StatusCode
	}
	require.Equal(t, http.StatusNoContent, post(deviceID, ""))
	require.Equal(t, http.StatusForbidden, post(deviceID, "http://example.com"))
	require.Equal(t, http.StatusNotFound, post("1", ""))
	res, err := client.Get(p.url + "/rtp/nobody_1.live.flv")
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusNotFound, res.StatusCode)
}

func TestPasswords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passwords.txt")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("# of the cameras\n\n" + deviceID + "  first one \n* second\n")
	p, err := readPasswords(file)
	require.NoError(t, err)
	for id, want := range map[string]string{deviceID: "first one", channelID: "second"} {
		got, known := p.of(id)
		require.True(t, known)
		require.Equal(t, want, got)
	}
	write(deviceID + " x\n")
	p, err = readPasswords(file)
	require.NoError(t, err)
	_, known := p.of(channelID)
	require.False(t, known)
	for _, bad := range []string{"", "#\n", deviceID, deviceID + " ", "a/b c"} {
		write(bad)
		_, err = readPasswords(file)
		require.Error(t, err, bad)
	}
	_, err = readPasswords(file + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-transport", "tcp-active", "-media", "192.0.2.1", "-first", "40000"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, gb28181.TCPActive, o.platform.Mode)
	require.Equal(t, "192.0.2.1", o.platform.MediaIP.String())
	require.Equal(t, 40000, o.first)
	for _, bad := range [][]string{{"-transport", "sctp"}, {"-media", "x"}, {"x"}} {
		_, err := parse(bad, io.Discard)
		require.Error(t, err)
	}
	require.ErrorIs(t, serve(t.Context(), []string{"-passwords", filepath.Join(t.TempDir(), "x")}, io.Discard), os.ErrNotExist)
}
