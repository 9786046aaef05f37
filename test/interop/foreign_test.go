package interop

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// foreignSeconds is how long the files of others are.
const foreignSeconds = 3

// foreignFile is a file that looks as if something else had written it.
type foreignFile struct {
	path string
	shot string // what it was made of, whose pictures it has; empty if nobody can play it
	h265 bool
	cut  bool // its end is missing
}

// shots are what foreign files are made of.
type shots struct {
	ctx context.Context
	t   *testing.T
	dir string
}

// shoot encodes one. Sound is AAC.
func (s *shots) shoot(name string, rate int, options ...string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	encode(s.ctx, s.t, path, foreignSeconds, rate, options...)
	return path
}

// remux writes what is in a file as another program does. Options come before or behind the file.
func (s *shots) remux(shot, name string, before, behind []string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	args := append(append([]string{"ffmpeg", "-v", "error", "-y"}, before...), "-i", shot)
	_, err := run(s.ctx, append(append(args, behind...), path)...)
	require.NoError(s.t, err)
	return path
}

// change writes a file with other bytes.
func (s *shots) change(file, name string, change func([]byte) []byte) string {
	s.t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(s.t, err)
	path := filepath.Join(s.dir, name)
	require.NoError(s.t, os.WriteFile(path, change(data), 0o600))
	return path
}

// foreignFiles makes one of each kind.
func foreignFiles(ctx context.Context, t *testing.T) map[string]foreignFile {
	t.Helper()
	s := &shots{ctx, t, t.TempDir()}
	shot := s.shoot("shot.mp4", pictureRate)
	smooth := s.shoot("smooth.mp4", 60, "-bf", "0")
	smoothB := s.shoot("smoothb.mp4", 60)
	uneven := s.shoot("uneven.mp4", pictureRate, "-vf", "setpts=(N+0.6*mod(N\\,3))/25/TB", "-fps_mode", "passthrough",
		"-enc_time_base", "1/90000", "-video_track_timescale", "90000")
	h265 := s.shoot("h265.mp4", pictureRate, "-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1",
		"-x265-params", "log-level=error:open-gop=0:scenecut=0:bframes=2:keyint=50:min-keyint=50")
	plain := func(name, from string, behind ...string) string {
		return s.remux(from, name, nil, append([]string{"-c", "copy"}, behind...))
	}
	fast := plain("fast.mp4", shot, "-movflags", "faststart")
	return map[string]foreignFile{
		"iPhone with H.264":      {path: s.iPhone(shot), shot: shot},
		"iPhone with H.265":      {path: s.iPhone(h265), shot: h265, h265: true},
		"OBS":                    {path: smooth, shot: smooth}, // ffmpeg puts moov at the end, too
		"OBS with B-frames":      {path: smoothB, shot: smoothB},
		"OBS after a crash":      {path: plain("obs.mp4", smoothB, "-movflags", "frag_keyframe+empty_moov+delay_moov"), shot: smoothB},
		"fragmented":             {path: plain("frag.mp4", shot, "-movflags", "frag_every_frame+empty_moov+default_base_moof"), shot: shot},
		"DASH":                   {path: plain("dash.mp4", shot, "-movflags", "dash+global_sidx+frag_keyframe"), shot: shot},
		"moov in front":          {path: fast, shot: shot},
		"edit list with a delay": {path: s.remux(shot, "delay.mp4", []string{"-itsoffset", "1.5"}, []string{"-i", shot, "-map", "0:v", "-map", "1:a", "-c", "copy"}), shot: shot},
		"edit list with a start": {path: s.remux(shot, "start.mp4", []string{"-ss", "0.7"}, []string{"-c", "copy"}), shot: shot},
		"64-bit offsets":         {path: s.change(shot, "co64.mp4", wide), shot: shot},
		"variable frame rate":    {path: uneven, shot: uneven},
		"cut in mdat":            {path: s.change(fast, "cut.mp4", func(b []byte) []byte { return b[:len(b)*2/3] }), shot: shot, cut: true},
		"cut in moov":            {path: s.change(shot, "nomoov.mp4", func(b []byte) []byte { return b[:len(b)-500] })},
		"empty":                  {path: s.change(shot, "empty.mp4", func([]byte) []byte { return nil })},
		"text":                   {path: s.change(shot, "text.mp4", func([]byte) []byte { return []byte("This is no film.\n") })},
		"random bytes":           {path: s.change(shot, "random.mp4", func(b []byte) []byte { return random(len(b)) })},
		"boxes in boxes":         {path: s.change(shot, "deep.mp4", func([]byte) []byte { return nested(100_000) })},
		"as many samples as fit": {path: s.change(shot, "many.mp4", greedy)},
	}
}

// iPhone writes a file as the camera of one does: QuickTime, turned, with a track of timed metadata and a description of the phone.
func (s *shots) iPhone(shot string) string {
	s.t.Helper()
	words := filepath.Join(s.dir, "words.srt")
	require.NoError(s.t, os.WriteFile(words, []byte("1\n00:00:00,000 --> 00:00:04,000\nthe phone lies still\n"), 0o600))
	turned := s.remux(shot, "iphone.mov", nil, []string{
		"-i", words, "-map", "0:v", "-map", "0:a", "-map", "1:s", "-c", "copy", "-c:s", "mov_text", "-metadata:s:v", "rotate=90",
		"-tag:s", "mebx", "-strict", "-2",
		"-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.make=Apple", "-metadata", "com.apple.quicktime.model=iPhone 15",
	})
	return s.change(turned, "iphone-"+filepath.Base(shot), metadataTrack)
}
