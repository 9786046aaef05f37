package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
)

// keyFrames is a flv.Sink that counts those of video.
type keyFrames int

func (*keyFrames) SetTracks(...*media.Track) error { return nil }
func (*keyFrames) SetMetadata(map[string]any)      {}

func (k *keyFrames) WritePacket(p *media.Packet) error {
	if p.Track.Codec.Video() && p.Key {
		*k++
	}
	return nil
}

// playFLV reads an FLV reply until two key frames have come.
func playFLV(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	res, err := client.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	var keys keyFrames
	tags, demux := flv.NewReader(res.Body), flv.NewDemuxer(&keys)
	for keys < 2 {
		typ, stamp, body, err := tags.Next()
		require.NoError(t, err)
		require.NoError(t, demux.Tag(typ, stamp, body))
	}
	return res
}

// playRTMP reads a stream with an independent client until a picture has come.
func playRTMP(t *testing.T, address string, secure *tls.Config) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	c := &gortmplib.Client{URL: u, TLSConfig: secure}
	require.NoError(t, c.Initialize(t.Context()))
	defer c.Close()
	require.NoError(t, c.NetConn().SetDeadline(time.Now().Add(limit)))
	r := &gortmplib.Reader{Conn: c}
	require.NoError(t, r.Initialize())
	pictures := 0
	for _, track := range r.Tracks() {
		if _, ok := track.Codec.(*codecs.H264); ok {
			r.OnDataH264(track, func(_, _ time.Duration, _ [][]byte) { pictures++ })
		}
	}
	for pictures == 0 {
		require.NoError(t, r.Read())
	}
}

func TestDemo(t *testing.T) {
	out := start(t, "-demo")
	playFLV(t, http.DefaultClient, out.url(t, "HTTP-FLV"))
	playRTMP(t, out.url(t, "RTMP"), nil)
	playRTSP(t, out.url(t, "RTSP"))
	require.Contains(t, out.url(t, "WS-FLV"), "ws://127.0.0.1:")

	page := out.url(t, "page")
	res, body := get(t, page+"streams.json")
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	var list []pageStream
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	require.Len(t, list, 1)
	demo := list[0]
	require.Equal(t, "__defaultVhost__/live/demo", demo.VHost+"/"+demo.App+"/"+demo.Stream)
	base := strings.TrimSuffix(out.url(t, "HTTP-FLV"), ".live.flv")
	ws := strings.Replace(base, "http", "ws", 1)
	require.Equal(t, map[string]string{
		"HTTP-FLV": base + ".live.flv", "HTTP-TS": base + ".live.ts", "HTTP-fMP4": base + ".live.mp4",
		"WS-FLV": ws + ".live.flv", "WS-TS": ws + ".live.ts", "WS-fMP4": ws + ".live.mp4",
		"HLS": base + "/hls.m3u8", "RTMP": out.url(t, "RTMP"), "RTSP": out.url(t, "RTSP"),
	}, demo.URLs, "low-latency HLS is off by default")
	require.Equal(t, "avc1.64001e", demo.Tracks[0].MIME)
	require.Equal(t, "mp4a.40.2", demo.Tracks[1].MIME)
	require.Equal(t, "H264", demo.Tracks[0].Codec)
	require.Equal(t, 640, demo.Tracks[0].Width)
	require.Positive(t, demo.BytesSpeed)

	_, body = get(t, page+"server.json")
	require.Contains(t, body, strings.Replace(out.url(t, "RTMP"), "demo", "test", 1))
	require.Contains(t, body, `"recordings":"record"`)
}

func TestNamesAreEscaped(t *testing.T) {
	s, err := newServer(config.New(), flags{demo: true}, anyPort, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.media.Close()
	require.NoError(t, s.listen(nil))
	defer s.closeListeners()
	pub, err := s.media.Publish(t.Context(), media.PublishRequest{
		Stream: media.StreamKey{VHost: "a.example", App: "live", Name: "<b>/x y?&#"}, Schema: "rtmp",
	})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{ID: 1, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}))

	res := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://[::1]:8080/streams.json", nil)
	s.page().ServeHTTP(res, r)
	require.Equal(t, http.StatusUnauthorized, res.Code, "names are for who may call the API")
	res = httptest.NewRecorder()
	_, _, err = s.store.Update(map[string]string{"http.publicStreams": "1"})
	require.NoError(t, err)
	s.page().ServeHTTP(res, r)
	require.NotContains(t, res.Body.String(), "<b>")
	var list []pageStream
	require.NoError(t, json.Unmarshal(res.Body.Bytes(), &list))
	require.Len(t, list, 1)
	const path = "/live/%3Cb%3E/x%20y%3F&%23"
	require.Equal(t, "http://[::1]:8080"+path+".live.flv?vhost=a.example", list[0].URLs["HTTP-FLV"])
	require.Regexp(t, `^rtmp://\[::1\]:\d+`+path+`\?vhost=a\.example$`, list[0].URLs["RTMP"])
}

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	page := start(t, "-demo").url(t, "page")
	const script = "text/javascript; charset=utf-8"
	for name, kind := range map[string]string{
		"": "text/html; charset=utf-8", "page.css": "text/css; charset=utf-8", "mpegts.js": script, "hls.mjs": script,
		"page.js": script, "forms.js": script, "player.js": script, "mse.js": script, "boxes.js": script, "failure.js": script,
		"archive.js": script, "clock.js": script, "element.js": script, "excerpt.js": script, "files.js": script, "playback.js": script,
		"recorder.js": script, "recordings.js": script, "sifting.js": script, "silence.js": script, "spans.js": script, "timeline.js": script,
	} {
		res, body := get(t, page+name)
		require.Equal(t, http.StatusOK, res.StatusCode, name)
		require.Equal(t, kind, res.Header.Get("Content-Type"), name)
		require.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'self'", name)
		if name != "mpegts.js" && name != "hls.mjs" { // they hold addresses in comments and messages
			require.NotContains(t, body, "://127", name)
			require.NotRegexp(t, `(src|href|url)\s*[=(]\s*["']?(https?:)?//`, body, name)
		}
	}
	res, _ := get(t, page+"no-such-file")
	require.Equal(t, http.StatusNotFound, res.StatusCode)
}

func TestVendoredPlayersHaveTheirLicenses(t *testing.T) {
	for name, version := range map[string]string{"mpegts": "mpegts.js 1.8.2", "hls": "hls.js 1.7.4"} {
		notice, err := fs.ReadFile(pageFiles, "page/"+name+".NOTICE")
		require.NoError(t, err)
		require.Contains(t, string(notice), version)
		license, err := fs.ReadFile(pageFiles, "page/"+name+".LICENSE")
		require.NoError(t, err)
		require.Contains(t, string(license), "Apache License")
	}
}

// The page offers what the server does: a form that is switched off, or that carries nothing of the stream, is none.
func TestAddressesAreOfWhatIsServed(t *testing.T) {
	cfg := config.New()
	require.NoError(t, cfg.Set("protocol.enable_hls_fmp4", "1"))
	require.NoError(t, cfg.Set("protocol.enable_ts", "0"))
	s, err := newServer(cfg, flags{demo: true}, anyPort, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.media.Close()
	pub, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "x"}, Schema: "rtmp"})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}))
	names := slices.Sorted(maps.Keys(s.urls(httptest.NewRequest(http.MethodGet, "http://h/", nil), pub.Stream())))
	require.Equal(t, []string{"HTTP-FLV", "HTTP-fMP4", "LL-HLS", "WS-FLV", "WS-fMP4"}, names)
}

// certificate writes one for 127.0.0.1 with its key, and returns the file and what trusts it.
func certificate(t *testing.T) (path string, trust *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, pem.Encode(&file, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
	require.NoError(t, pem.Encode(&file, &pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	path = t.TempDir() + "/server.pem"
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o600))
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	trust = x509.NewCertPool()
	trust.AddCert(cert)
	return path, trust
}

func TestTLS(t *testing.T) {
	file, trust := certificate(t)
	config := write(t, "[http]\nport=0\nsslport=8443\n[rtmp]\nport=0\nsslport=19350\n")
	out := start(t, "-demo", "-c", config, "-s", file)
	for _, second := range []bool{false, true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}, ForceAttemptHTTP2: second}
		res := playFLV(t, &http.Client{Transport: transport}, out.url(t, "HTTPS-FLV"))
		require.Equal(t, second, res.ProtoMajor == 2)
		transport.CloseIdleConnections()
	}
	playRTMP(t, out.url(t, "RTMPS"), &tls.Config{RootCAs: trust})
	require.Contains(t, out.url(t, "WSS-FLV"), "wss://")
}

// A port without TLS beside it takes nothing from HTTPS: browsers speak HTTP/2 there.
func TestTLSBesideHTTP(t *testing.T) {
	file, trust := certificate(t)
	out := start(t, "-demo", "-c", write(t, "[http]\nport=8080\nsslport=8443\n"), "-s", file)
	playFLV(t, http.DefaultClient, out.url(t, "HTTP-FLV")) // it is served first
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	require.Equal(t, 2, playFLV(t, &http.Client{Transport: transport}, out.url(t, "HTTPS-FLV")).ProtoMajor)
}

func TestTLSNeedsACertificate(t *testing.T) {
	out := start(t, "-demo", "-c", write(t, "[http]\nsslport=8443\n"))
	require.Contains(t, out.String(), "there is no certificate")
	require.NotContains(t, out.String(), "https://")
}

func TestPlayersGetTheEnd(t *testing.T) {
	out := start(t, "-demo")
	res, err := http.Get(out.url(t, "HTTP-FLV"))
	require.NoError(t, err)
	t.Cleanup(func() { res.Body.Close() })
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, res.Body)
		done <- err
	}()
	t.Cleanup(func() { // t.Context has ended by now, and the server ends with it
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(limit):
			t.Error("the player is left hanging")
		}
	})
}

// playRTSP plays with an independent client until pictures and audio have come.
func playRTSP(t *testing.T, address string) {
	t.Helper()
	u, err := base.ParseURL(address)
	require.NoError(t, err)
	tcp := gortsplib.TransportTCP
	client := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Transport: &tcp}
	require.NoError(t, client.Start2())
	defer client.Close()
	desc, _, err := client.Describe(u)
	require.NoError(t, err)
	require.Len(t, desc.Medias, 2)
	require.NoError(t, client.SetupAll(desc.BaseURL, desc.Medias))
	var came [2]atomic.Bool
	client.OnPacketRTPAny(func(m *description.Media, _ format.Format, _ *rtp.Packet) {
		came[slices.Index(desc.Medias, m)].Store(true)
	})
	_, err = client.Play(nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return came[0].Load() && came[1].Load() }, limit, time.Millisecond)
}
