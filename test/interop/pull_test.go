package interop

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// What is pulled from a server by HTTP and WebSocket is what was published there, from the first picture that comes to the last: from
// another of ours, and HLS that ffmpeg has made.
func TestPulls(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	source := getClip(t, "h264", 3)
	origin, edge := serve(t, media.Config{}, nil), serve(t, media.Config{}, nil)
	published := background(ctx, t, ffmpegPublish(source.file, origin.rtmpURL())...)
	origin.await(ctx, t)
	files := t.TempDir()
	others := httptest.NewServer(http.FileServer(http.Dir(files)))
	defer others.Close()
	made := map[string]*process{}
	fmp4 := []string{"-hls_segment_type", "fmp4", "-hls_fmp4_init_filename"}
	apart := []string{"-map", "0:v", "-map", "0:a", "-var_stream_map", "v:0,agroup:a a:0,agroup:a,default:yes", "-master_pl_name"}
	for name, options := range map[string][]string{
		"ts": {"ts.m3u8"}, "fmp4": slices.Concat(fmp4, []string{"fmp4-init.mp4", "fmp4.m3u8"}),
		"ts-apart":   slices.Concat(apart, []string{"ts-apart.m3u8", "ts-apart-%v.m3u8"}),
		"fmp4-apart": slices.Concat(apart, []string{"fmp4-apart.m3u8"}, fmp4, []string{"fmp4-apart-init-%v.mp4", "fmp4-apart-%v.m3u8"}),
		"ts-key":     {"-hls_key_info_file", keyInfo(t, files), "ts-key.m3u8"},
	} {
		args := []string{"ffmpeg", "-v", "error", "-re", "-i", source.file, "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "6"}
		options[len(options)-1] = filepath.Join(files, options[len(options)-1])
		made[name] = background(ctx, t, append(args, options...)...)
	}
	pulls := map[string]string{
		"ts": origin.tsURL(), "ws": origin.wsURL(), "hls": origin.hlsURL(), "hls4": origin.hls4URL(),
	}
	packAudio(ctx, t, source.file, filepath.Join(files, "packed"))
	lockFragments(ctx, t, source.file, filepath.Join(files, "locked"))
	pulls["locked"] = others.URL + "/locked.m3u8"
	pulls["packed"] = others.URL + "/packed.m3u8"
	for name := range made {
		pulls["ffmpeg-"+name] = others.URL + "/" + name + ".m3u8"
	}
	pullers := map[string]puller{}
	for name, from := range pulls {
		pullers[name] = webPull(from)
	}
	results := pullAll(ctx, t, edge, pullers)
	require.NoError(t, published.wait())
	for _, p := range made {
		require.NoError(t, p.wait())
	}
	for name, done := range results {
		r := <-done
		t.Run(name, func(t *testing.T) {
			require.Equal(t, io.EOF, r.ended)
			r.check(ctx, t, source)
			require.True(t, r.full, "the last of the sound is missing")
		})
	}
}

// packAudio makes HLS of a file whose sound is packed audio: one segment behind a tag that says when it is due.
func packAudio(ctx context.Context, t *testing.T, source, path string) {
	t.Helper()
	// Its private frame has 1.4 s in 90 kHz, by which ffmpeg puts off the stamps of MPEG-TS.
	const stamp = `id3v2_priv.com.apple.streaming.transportStreamTimestamp=\x00\x00\x00\x00\x00\x01\xec\x30`
	ffmpeg := []string{"ffmpeg", "-v", "error", "-i", source, "-c", "copy"}
	_, err := run(ctx, append(ffmpeg, "-an", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0", path+"-video.m3u8")...)
	require.NoError(t, err)
	_, err = run(ctx, append(ffmpeg, "-vn", "-f", "adts", "-write_id3v2", "1", "-metadata", stamp, path+".aac")...)
	require.NoError(t, err)
	name := filepath.Base(path)
	for file, text := range map[string]string{
		path + "-audio.m3u8": "#EXT-X-TARGETDURATION:60\n#EXTINF:60,\n" + name + ".aac\n#EXT-X-ENDLIST\n",
		path + ".m3u8": "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",AUTOSELECT=YES,URI=\"" + name + "-audio.m3u8\"\n" +
			"#EXT-X-STREAM-INF:BANDWIDTH=500000,AUDIO=\"a\"\n" + name + "-video.m3u8\n",
	} {
		require.NoError(t, os.WriteFile(file, []byte("#EXTM3U\n"+text), 0o600))
	}
}

// lockFragments makes HLS of a file in fragmented MP4, and encrypts it (RFC 8216, 4.3.2.4), which ffmpeg does not do: the
// initialization segment with a vector that is told, as it must be, and the others with their numbers.
func lockFragments(ctx context.Context, t *testing.T, source, path string) {
	t.Helper()
	name := filepath.Base(path)
	_, err := run(ctx, "ffmpeg", "-v", "error", "-i", source, "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0",
		"-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", name+"-init.mp4", path+".m3u8")
	require.NoError(t, err)
	key, vector := make([]byte, aes.BlockSize), make([]byte, aes.BlockSize)
	_, _ = rand.Read(key)
	_, _ = rand.Read(vector)
	require.NoError(t, os.WriteFile(path+".key", key, 0o600))
	lockFile(t, path+"-init.mp4", key, vector)
	list, err := os.ReadFile(path + ".m3u8")
	require.NoError(t, err)
	tag := fmt.Sprintf("#EXT-X-KEY:METHOD=AES-128,URI=%q", name+".key")
	var text strings.Builder
	for line := range strings.Lines(string(list)) {
		switch {
		case strings.HasPrefix(line, "#EXT-X-MAP"):
			line = fmt.Sprintf("%s,IV=0x%x\n%s%s\n", tag, vector, line, tag)
		case !strings.HasPrefix(line, "#"):
			number := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), name), ".m4s")
			n, err := strconv.ParseUint(number, 10, 64)
			require.NoError(t, err)
			lockFile(t, filepath.Join(filepath.Dir(path), strings.TrimSpace(line)), key, binary.BigEndian.AppendUint64(make([]byte, 8), n))
		}
		text.WriteString(line)
	}
	require.NoError(t, os.WriteFile(path+".m3u8", []byte(text.String()), 0o600))
}

// lockFile encrypts a file, as a whole.
func lockFile(t *testing.T, path string, key, vector []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	n := aes.BlockSize - len(data)%aes.BlockSize
	data = append(data, bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, vector).CryptBlocks(data, data)
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

// keyInfo tells ffmpeg of a key in a folder that is served.
func keyInfo(t *testing.T, folder string) string {
	t.Helper()
	const name = "secret.key"
	key := make([]byte, 16)
	_, err := rand.Read(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), key, 0o600))
	info := filepath.Join(t.TempDir(), "info")
	require.NoError(t, os.WriteFile(info, []byte(name+"\n"+filepath.Join(folder, name)+"\n"), 0o600))
	return info
}
