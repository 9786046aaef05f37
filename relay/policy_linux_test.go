package relay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// allowed is the one address of this machine that the policy of these tests allows. On Linux all of 127/8 are this machine's.
const allowed = "127.0.0.2"

// strict forbids this machine and private networks.
func strict(addr netip.AddrPort) error {
	ip := addr.Addr()
	if ip == netip.MustParseAddr(allowed) {
		return nil
	}
	if ip.IsLoopback() || ip.IsPrivate() {
		return fmt.Errorf("%w: %v", ErrAddress, ip)
	}
	return AllowAddr(addr)
}

// victim is a service that nobody may connect to, by any address of this machine, TCP or UDP.
type victim struct {
	port  string
	calls atomic.Int64
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{}
	ln := listen(t, "127.0.0.1:0")
	_, v.port, _ = net.SplitHostPort(ln.Addr().String())
	lns := []net.Listener{ln}
	if six, err := net.Listen("tcp", "[::1]:"+v.port); err == nil {
		lns = append(lns, six)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:"+v.port)
	require.NoError(t, err)
	var serving sync.WaitGroup
	for _, ln := range lns {
		serving.Go(func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				v.calls.Add(1)
				c.Close()
			}
		})
	}
	serving.Go(func() {
		for {
			if _, _, err := udp.ReadFrom(make([]byte, 2000)); err != nil {
				return
			}
			v.calls.Add(1)
		}
	})
	t.Cleanup(func() {
		for _, ln := range lns {
			ln.Close()
		}
		udp.Close()
		serving.Wait()
	})
	return v
}

// untouched requires that nobody has connected.
func (v *victim) untouched(t *testing.T, what string) {
	t.Helper()
	require.Zero(t, v.calls.Load(), what)
}

// resolve has a relay ask a name server that says of every name that it is 127.0.0.1, as a resolver does that takes 2130706433 and 0x7f.1 for an
// address; but of flips.test, the first time after it was reset, that it is the allowed one.
func resolve(t *testing.T, r *Relay) (reset func()) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	var flipped atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			ip := []byte{127, 0, 0, 1}
			q := b[:n]
			if bytes.Contains(q, []byte("\x05flips\x04test\x00\x00\x01")) && flipped.CompareAndSwap(false, true) {
				ip = netip.MustParseAddr(allowed).AsSlice()
			}
			_, _ = pc.WriteTo(nameAnswer(q, ip), from)
		}
	}()
	t.Cleanup(func() {
		pc.Close()
		<-done
	})
	r.resolver.PreferGo = true
	r.resolver.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}
	return func() { flipped.Store(false) }
}

// nameAnswer answers a question for A (RFC 1035, 4.1) with an address, and any other with none.
func nameAnswer(q, ip []byte) []byte {
	end := 12 + bytes.IndexByte(q[12:], 0) + 5
	a := append([]byte{}, q[:end]...)
	binary.BigEndian.PutUint16(a[2:], 0x8180)
	copy(a[6:12], make([]byte, 6))
	if binary.BigEndian.Uint16(q[end-4:]) != 1 {
		return a
	}
	a[7] = 1
	return append(append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), ip...)
}

// spellings are hosts and ports of URLs that lead, or could be made to lead, to what is forbidden; V is the port of the victim.
var spellings = []string{
	"127.0.0.1:V", "127.1:V", "127.0.1:V", "127.000.000.001:V", "2130706433:V", "0x7f000001:V", "0x7f.0.0.1:V", "0x7F.1:V", "0177.0.0.1:V",
	"017700000001:V", "127.0.0.1.:V", "127.0.0.3:V", "127.255.255.254:V", "0.0.0.0:V", "0:V", "00000:V", "[::]:V", "[::1]:V",
	"[0:0:0:0:0:0:0:1]:V", "[::ffff:127.0.0.1]:V", "[::ffff:7f00:1]:V", "[0:0:0:0:0:ffff:7f00:0001]:V", "[::ffff:0.0.0.0]:V", "[::127.0.0.1]:V",
	"[64:ff9b::127.0.0.1]:V", "[64:ff9b::7f00:1]:V", "[64:ff9b:1::7f00:1]:V", "[2002:7f00:1::]:V", "[::1%25lo]:V", "localhost:V", "LOCALHOST:V",
	"localhost.:V", "a.localhost:V", "ｌocalhost:V", "127。0。0。1:V", "x.test:V", "user:pass@127.0.0.1:V", allowed + "@127.0.0.1:V", allowed + ":80@127.0.0.1:V",
	"127.0.0.1:V#@" + allowed, "127.0.0.1:V\\@" + allowed, allowed + "\\@127.0.0.1:V", allowed + ":1#@127.0.0.1:V", allowed + ":1%23@127.0.0.1:V", "127.0.0.1:V%00." + allowed,
	allowed + "\n127.0.0.1:V", allowed + " 127.0.0.1:V", ":V", "@:V", "",
	"10.0.0.1:V", "172.16.0.1:V", "192.168.0.1:V", "[fd00::1]:V", "[::ffff:10.0.0.1]:V", "[64:ff9b::10.0.0.1]:V", "[2002:a00:1::]:V", "167772161:V",
	"169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1%25lo]", "[fd00:ec2::254]", "100.100.100.200", "255.255.255.255", "224.0.0.1", "[ff02::1]",
}

// Whatever names a forbidden address, and whoever is to connect to it: nobody does, and no program is run.
func TestNoSpellingGetsAround(t *testing.T) {
	v := newVictim(t)
	path, _ := noting(t)
	m, r := newRelay(t, Config{Allow: strict, FFmpeg: FFmpegConfig{Path: path}})
	resolve(t, r)
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "here"}})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{ID: 1, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}))
	retry := Retry{Timeout: patience}
	pull := func(form string, transport rtsp.Transport) func(string) error {
		return func(host string) error {
			return r.Pull(t.Context(), PullRequest{Stream: edge, URL: strings.ReplaceAll(form, "HOST", host), Transport: transport, Retry: retry})
		}
	}
	push := func(form string) func(string) error {
		return func(host string) error {
			return r.Push(t.Context(), PushRequest{Stream: media.StreamKey{App: "live", Name: "here"}, URL: strings.ReplaceAll(form, "HOST", host), Retry: retry})
		}
	}
	ways := map[string]func(host string) error{
		"pull rtsp": pull("rtsp://HOST/a/b", rtsp.TCP), "pull rtsp by UDP": pull("rtsp://HOST/a/b", rtsp.UDP), "pull rtsps": pull("rtsps://HOST/a/b", rtsp.TCP),
		"pull rtmp": pull("rtmp://HOST/a/b", 0), "pull rtmps": pull("rtmps://HOST/a/b", 0), "pull flv": pull("http://HOST/a/b.flv", 0),
		"pull hls": pull("https://HOST/a/b.m3u8", 0), "pull ws": pull("ws://HOST/a/b.flv", 0), "pull wss": pull("wss://HOST/a/b.flv", 0),
		"push rtsp": push("rtsp://HOST/a/b"), "push rtmp": push("rtmp://HOST/a/b"), "push rtmps": push("rtmps://HOST/a/b"),
		"push http": push("http://HOST/a/b.flv"), "push https": push("https://HOST/a/b.flv"),
		"edge": func(host string) error {
			stop, err := r.Edge(EdgeConfig{Origins: []string{"rtmp://" + host + "/%s/%s"}})
			if err != nil {
				return err
			}
			defer stop()
			_, err = watch(t, m, edge, "")
			return err
		},
	}
	for _, scheme := range []string{"rtsp", "rtmp", "rtmps", "http", "https", "srt", "udp", "rtp"} {
		ways["ffmpeg reads "+scheme] = func(host string) error {
			return r.RunFFmpeg(t.Context(), FFmpegRequest{Source: scheme + "://" + host + "/a/b", Destination: "rtmp://" + allowed + "/a/b"})
		}
		ways["getSnap "+scheme] = func(host string) error {
			_, err := r.Snapshot(t.Context(), SnapshotRequest{URL: scheme + "://" + host + "/a/b"})
			return err
		}
	}
	for _, scheme := range []string{"rtsp", "rtsps", "rtmp", "rtmps", "srt"} {
		ways["ffmpeg writes "+scheme] = func(host string) error {
			return r.RunFFmpeg(t.Context(), FFmpegRequest{Source: "rtmp://" + allowed + "/a/b", Destination: scheme + "://" + host + "/a/b"})
		}
	}
	require.GreaterOrEqual(t, len(spellings), 40)
	for way, try := range ways {
		for _, host := range spellings {
			host = strings.ReplaceAll(host, "V", v.port)
			require.Error(t, try(host), "%s %q", way, host)
			v.untouched(t, way+" "+host)
		}
	}
	require.NoFileExists(t, filepath.Join(filepath.Dir(path), "args"), "a program was run")
	require.Empty(t, r.Pulls())
}

// A name that was allowed when it was asked for does not lead elsewhere when it is asked for again.
func TestNamesThatFlip(t *testing.T) {
	v := newVictim(t)
	path, called := noting(t)
	_, r := newRelay(t, Config{Allow: strict, FFmpeg: FFmpegConfig{Path: path}})
	reset := resolve(t, r)
	require.Error(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: "rtmp://flips.test:" + v.port + "/a/b"}))
	for from, want := range map[string][]string{
		"rtsp://u:p@flips.test/a?b":              {"rtsp://u:p@" + allowed + "/a?b"},
		"rtmp://flips.test:" + v.port + "/a/b":   {"-rtmp_tcurl", "rtmp://flips.test:" + v.port + "/a", "-i", "rtmp://" + allowed + ":" + v.port + "/a/b"},
		"rtmp://flips.test/a/b/c":                {"-rtmp_tcurl", "rtmp://flips.test/a/b", "-i", "rtmp://" + allowed + "/a/b/c"},
		"srt://flips.test:" + v.port + "?x=y":    {"srt://" + allowed + ":" + v.port + "?x=y"},
		"http://flips.test:" + v.port + "/a?b=c": {"http://flips.test:" + v.port + "/a?b=c"}, // which is dialed by the relay
	} {
		reset()
		_, err := r.Snapshot(t.Context(), SnapshotRequest{URL: from})
		require.ErrorContains(t, err, "no picture", from)
		require.Subset(t, called(), want)
	}
	v.untouched(t, "flips.test")
}

// A camera whose name has moved to another address is found there when its ffmpeg is started again.
func TestNamesThatMove(t *testing.T) {
	_, r := newRelay(t, Config{})
	resolve(t, r)
	p := &program{command: r.templates[""], request: FFmpegRequest{Source: "rtsp://flips.test/a", Destination: "rtmp://127.0.0.1/a/b"}}
	for _, want := range []string{"rtsp://" + allowed + "/a", "rtsp://127.0.0.1/a"} {
		args, err := p.arguments(t.Context(), r)
		require.NoError(t, err)
		require.Contains(t, args, want)
	}
}

// What is no URL of a stream, or has more in it than one, is no argument of ffmpeg; what is in one stays in its argument.
func TestArgumentsOfFFmpeg(t *testing.T) {
	v := newVictim(t)
	path, called := noting(t)
	_, r := newRelay(t, Config{Allow: strict, FFmpeg: FFmpegConfig{Path: path}})
	resolve(t, r)
	for _, text := range []string{
		"-i", "-version", "-f lavfi -i testsrc", "%s", "%s%n", "%s%n%n://" + allowed, "\n", "rtsp://" + allowed + "/\n-i /etc/passwd", "rtsp://" + allowed + "/a\x00b",
		"rtsp://" + allowed + "\r\n/x", "/etc/passwd", "./x", "file:///etc/passwd", "file:/etc/passwd", "FILE:///etc/passwd", "concat:/etc/passwd|x",
		"concat://" + allowed + "/x", "concatf:/x", "subfile,,start,0,end,9,,:/etc/passwd", "data:text/plain,x", "pipe:0", "fd:0", "unix:///x", "cache:http://" + allowed,
		"crypto:file:/etc/passwd", "async:file:/etc/passwd", "hls+http://" + allowed + "/x", "hls+file:///etc/passwd", "tcp://" + allowed + ":80",
		"tls://" + allowed, "gopher://" + allowed, "ftp://" + allowed, "sftp://" + allowed, "sdp:///x", "lavfi:testsrc", "prompeg://" + allowed, "mmsh://" + allowed,
		"rtmpt://" + allowed + "/a/b", "ffrtmphttp://" + allowed, "httpproxy://" + allowed, "rtmp://" + allowed + "/a/b socks=127.0.0.1:" + v.port,
		"http://" + allowed + "/#@127.0.0.1:" + v.port + "/",
	} {
		_, err := r.Snapshot(t.Context(), SnapshotRequest{URL: text})
		require.Error(t, err, text)
		require.Error(t, r.RunFFmpeg(t.Context(), FFmpegRequest{Source: text, Destination: "rtmp://" + allowed + "/a/b"}), text)
		require.Error(t, r.RunFFmpeg(t.Context(), FFmpegRequest{Source: "rtmp://" + allowed + "/a/b", Destination: text}), text)
	}
	require.NoFileExists(t, filepath.Join(filepath.Dir(path), "args"), "a program was run")
	const odd = "rtsp://" + allowed + "/a -i -y ;$(reboot)`x`\"'|&>x?a=%s%n&b=-i"
	for range 2 {
		_, err := r.Snapshot(t.Context(), SnapshotRequest{URL: odd, Format: "png", Width: 9})
		require.ErrorContains(t, err, "no picture")
		require.Equal(t, []string{
			"-protocol_whitelist", reads("rtsp"), "-i", odd, "-y", "-f", "mjpeg", "-frames:v", "1", "-an", "-vf", "scale=9:4096:force_original_aspect_ratio=decrease", "-c:v", "png", "-f", "image2pipe", "pipe:1",
		}, called())
	}
	for _, format := range []string{"-i", "jpeg\n-i", "%s%n", "../x", "mp4"} {
		_, err := r.Snapshot(t.Context(), SnapshotRequest{URL: odd, Format: format})
		require.ErrorIs(t, err, errSnapshotForm)
	}
}

// noting is a program that notes its arguments.
func noting(t *testing.T) (path string, called func() []string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "ffmpeg")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\nfor a in \"$@\"; do echo \"$a\"; done >"+dir+"/args\n"), 0o700)) //nolint:gosec // it is run
	return path, func() []string {
		text, err := os.ReadFile(filepath.Join(dir, "args"))
		require.NoError(t, err)
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

// hostileWeb leads elsewhere: /302/… by a redirect, /list/… by a playlist, to what is behind it.
func hostileWeb(t *testing.T) (address string) {
	t.Helper()
	var picture bytes.Buffer
	require.NoError(t, jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 32, 32)), nil))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, rest, _ := strings.Cut(strings.TrimPrefix(r.RequestURI, "/"), "/")
		switch {
		case strings.HasPrefix(r.RequestURI, "/302/"):
			w.Header()["Location"] = []string{rest}
			w.WriteHeader(http.StatusFound)
		case strings.HasPrefix(r.RequestURI, "/list/"):
			fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n", rest)
		case strings.HasPrefix(r.RequestURI, "/map/"):
			fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"%s\"\n#EXTINF:1,\n/x\n#EXT-X-ENDLIST\n", rest)
		case strings.HasPrefix(r.RequestURI, "/key/"):
			fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI=\"%s\"\n#EXTINF:1,\n/x\n#EXT-X-ENDLIST\n", rest)
		case strings.HasPrefix(r.RequestURI, "/variant/"):
			fmt.Fprintf(w, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n%s\n", rest)
		case strings.HasPrefix(r.RequestURI, "/sdp/"):
			fmt.Fprintf(w, "v=0\r\nc=IN IP4 127.0.0.1\r\nm=video %s RTP/AVP 26\r\n", rest)
		case r.RequestURI == "/picture":
			_, _ = w.Write(picture.Bytes())
		default:
			http.NotFound(w, r)
		}
	}))
	s.Listener.Close()
	s.Listener = listen(t, allowed+":0")
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// elsewhere are where servers lead to; V is the port of the victim, FILE a picture on the disk.
var elsewhere = []string{
	"http://127.0.0.1:V/x.ts", "http://[::1]:V/x", "http://[::ffff:127.0.0.1]:V/", "http://2130706433:V/", "http://0x7f.1:V/", "http://0:V/",
	"//127.0.0.1:V/x", "http://localhost:V/", "https://127.0.0.1:V/", "http://flips.test:V/", "ws://127.0.0.1:V/x",
	"rtsp://127.0.0.1:V/x", "rtmp://127.0.0.1:V/a/b", "tcp://127.0.0.1:V", "udp://127.0.0.1:V", "ftp://127.0.0.1:V/x", "gopher://127.0.0.1:V/",
	"file://FILE", "file:FILE", "FILE", "concat:FILE", "subfile,,start,0,end,0,,:FILE", "crypto:file:FILE", "data:text/plain,x", "http://169.254.169.254/x",
}

// leads are the URLs of an address that lead elsewhere.
func leads(address, port, file string, kinds ...string) (urls []string) {
	for _, kind := range kinds {
		for _, e := range elsewhere {
			urls = append(urls, "http://"+address+"/"+kind+"/"+strings.NewReplacer(":V", ":"+port, "FILE", file).Replace(e))
		}
	}
	return urls
}

// Where a server redirects a pull to, and what a playlist names, is asked for like the URL.
func TestServersThatLeadElsewhere(t *testing.T) {
	v := newVictim(t)
	_, r := newRelay(t, Config{Allow: strict})
	resolve(t, r)
	var all sync.WaitGroup
	for i, u := range leads(hostileWeb(t), v.port, "/etc/hostname", "302", "list", "map", "key", "variant") {
		all.Go(func() {
			key := media.StreamKey{App: "edge", Name: fmt.Sprint(i)}
			err := r.Pull(t.Context(), PullRequest{Stream: key, URL: u, Retry: Retry{Timeout: 2 * time.Second, MediaTimeout: time.Second}})
			if err == nil {
				t.Errorf("%s plays", u)
			}
		})
	}
	all.Wait()
	v.untouched(t, "led by a server")
}

// ffmpeg itself is led nowhere by HTTP.
func TestFFmpegIsLedNowhere(t *testing.T) {
	v := newVictim(t)
	path, runs := counting(t, "")
	_, r := newRelay(t, Config{Allow: strict, FFmpeg: FFmpegConfig{Path: path}, SnapshotRuns: 4})
	resolve(t, r)
	address := hostileWeb(t)
	for _, u := range []string{"/picture", "/302/http://" + address + "/picture", "/302//picture"} {
		got, err := r.Snapshot(t.Context(), SnapshotRequest{URL: "http://" + address + u, Timeout: 4 * patience})
		require.NoError(t, err, u)
		require.Equal(t, "image/jpeg", got.ContentType)
	}
	file := filepath.Join(t.TempDir(), "x.jpg")
	got, err := r.Snapshot(t.Context(), SnapshotRequest{URL: "http://" + address + "/picture", MaxAge: time.Hour})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, got.Data, 0o600))
	var all sync.WaitGroup
	before := runs()
	urls := append(leads(address, v.port, file, "302", "list"), "http://"+address+"/sdp/"+v.port)
	for _, u := range urls {
		all.Go(func() {
			if _, err := r.Snapshot(t.Context(), SnapshotRequest{URL: u, Timeout: 4 * patience}); err == nil {
				t.Errorf("a picture of %s", u)
			}
		})
	}
	all.Wait()
	require.Equal(t, before+len(urls), runs())
	v.untouched(t, "led by a server")
}

// The proxy serves nobody who does not know its secret, and nothing but its purpose.
func TestProxyOfFFmpeg(t *testing.T) {
	v := newVictim(t)
	_, r := newRelay(t, Config{Allow: strict})
	env, err := r.environment(nil)
	require.NoError(t, err)
	again, err := r.environment(nil)
	require.NoError(t, err)
	require.Equal(t, env, again)
	secret, address, ok := strings.Cut(strings.TrimPrefix(env[0], "http_proxy=http://ffmpeg:"), "@")
	require.True(t, ok)
	web := hostileWeb(t)
	for _, c := range []struct{ request, secret, want string }{
		{"GET http://" + web + "/picture HTTP/1.1", secret, "200"},
		{"CONNECT " + web + " HTTP/1.1", secret, "200"},
		{"GET http://" + web + "/picture HTTP/1.1", "", "407"},
		{"CONNECT " + web + " HTTP/1.1", "x", "407"},
		{"CONNECT 127.0.0.1:" + v.port + " HTTP/1.1", secret, "403"},
		{"GET http://127.0.0.1:" + v.port + "/ HTTP/1.1", secret, "403"},
		{"GET /picture HTTP/1.1", secret, "400"},
		{"GET ftp://" + web + "/ HTTP/1.1", secret, "400"},
		{"GET file:///etc/passwd HTTP/1.1", secret, "400"},
	} {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		head, err := http.NewRequest(http.MethodGet, "http://x", http.NoBody)
		require.NoError(t, err)
		head.SetBasicAuth("ffmpeg", c.secret)
		_, err = io.WriteString(conn, c.request+"\r\nHost: x\r\nProxy-Authorization: "+head.Header.Get("Authorization")+"\r\n\r\n")
		require.NoError(t, err)
		line, err := bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, " "+c.want+" ", c.request)
		require.NoError(t, conn.Close())
	}
	v.untouched(t, "by the proxy")
}

// What a server of RTSP says of addresses changes nothing: all goes to the server that was dialed.
func TestServersOfRTSPThatLeadElsewhere(t *testing.T) {
	v := newVictim(t)
	_, r := newRelay(t, Config{Allow: strict})
	elsewhere := "rtsp://127.0.0.1:" + v.port + "/x"
	head := func(more ...string) string {
		return "RTSP/1.0 200 OK\r\nCSeq: %s\r\nSession: 1\r\n" + strings.Join(more, "")
	}
	sdp := func(text string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(text), text) }
	plain := "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio " + v.port + " RTP/AVP 8\r\na=control:" + elsewhere + "/track1\r\n"
	describe := head("Content-Base: "+elsewhere+"\r\nContent-Location: "+elsewhere+"\r\n", sdp(plain))
	moved := "RTSP/1.0 302 Found\r\nCSeq: %s\r\nLocation: " + elsewhere + "\r\n\r\n"
	for name, answers := range map[string]map[string]string{
		"OPTIONS is redirected":  {"OPTIONS": moved, "DESCRIBE": moved},
		"DESCRIBE is redirected": {"DESCRIBE": moved},
		"SETUP is redirected":    {"DESCRIBE": describe, "SETUP": moved},
		"addresses of UDP":       {"DESCRIBE": describe, "SETUP": head("Transport: RTP/AVP;unicast;source=127.0.0.1;destination=127.0.0.1;server_port=" + v.port + "-" + v.port + "\r\n\r\n")},
		"a group":                {"DESCRIBE": describe, "SETUP": head("Transport: RTP/AVP;multicast;source=127.0.0.1;destination=127.0.0.1;port=" + v.port + "-" + v.port + "\r\n\r\n")},
		"REDIRECT": {"DESCRIBE": describe, "SETUP": head("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"), "PLAY": head("\r\n") +
			"REDIRECT * RTSP/1.0\r\nCSeq: 1\r\nLocation: " + elsewhere + "\r\n\r\n"},
	} {
		for _, transport := range []rtsp.Transport{rtsp.TCP, rtsp.UDP, rtsp.Multicast} {
			address := scripted(t, answers)
			err := r.Pull(t.Context(), PullRequest{
				Stream: edge, URL: "rtsp://" + address + "/x", Transport: transport, Retry: Retry{Timeout: 2 * time.Second, MediaTimeout: 500 * time.Millisecond, MaxRetries: -1},
			})
			if err == nil { // it has said that it plays
				require.Eventually(t, func() bool { return len(r.Pulls()) == 0 }, patience, time.Millisecond)
			}
			v.untouched(t, name)
		}
	}
}

// scripted is a server of RTSP that answers by method, with %s for the CSeq.
func scripted(t *testing.T, answers map[string]string) (address string) {
	t.Helper()
	ln := listen(t, allowed+":0")
	var serving sync.WaitGroup
	serve := func(conn net.Conn) {
		defer conn.Close()
		from := bufio.NewReader(conn)
		for method, cseq := "", ""; ; {
			line, err := from.ReadString('\n')
			if err != nil {
				return
			}
			switch line = strings.TrimSpace(line); {
			case strings.HasPrefix(line, "CSeq:"):
				cseq = strings.TrimSpace(line[5:])
			case line == "":
				answer, ok := answers[method]
				if !ok {
					answer = "RTSP/1.0 200 OK\r\nCSeq: %s\r\nSession: 1\r\n\r\n"
				}
				_, _ = io.WriteString(conn, strings.Replace(answer, "%s", cseq, 1))
				method = ""
			case method == "":
				method, _, _ = strings.Cut(line, " ")
			}
		}
	}
	serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		serving.Wait()
	})
	return ln.Addr().String()
}
