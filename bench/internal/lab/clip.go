package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// lowArgs makes as long a clip of 500 kbit/s in all, 640x360: the stream that is pulled many times.
func lowArgs() []string { return smallArgs("436k") }

// middleArgs makes as long a clip of 1 Mbit/s in all: the stream that many cameras send.
func middleArgs() []string { return smallArgs("936k") }

// smallArgs makes as long a clip, 640x360, whose video has another rate, and whose audio has 64 kbit/s.
func smallArgs(video string) []string {
	changed := map[string]string{
		"testsrc2=size=1280x720:rate=25": "testsrc2=size=640x360:rate=25", "2000k": video, "128k": "64k",
	}
	args := clipArgs()
	for i, a := range args {
		if other, ok := changed[a]; ok {
			args[i] = other
		}
	}
	return args
}

// clipArgs makes one minute of H.264 1280x720@25 at 2 Mbit/s constant rate, a key frame each 2 s, noise in every
// picture, with 128 kbit/s AAC: the stream all published figures were taken with.
func clipArgs() []string {
	return []string{
		"-v", "error", "-y",
		"-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25",
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100",
		"-f", "lavfi", "-i", "anoisesrc=a=0.2:r=44100",
		"-filter_complex", "[0:v]noise=alls=12:allf=t[v];[1:a][2:a]amix=inputs=2,pan=stereo|c0=c0|c1=c0[a]",
		"-map", "[v]", "-map", "[a]", "-t", "60",
		"-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-pix_fmt", "yuv420p", "-bf", "0",
		"-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-b:v", "2000k", "-maxrate", "2000k", "-bufsize", "2000k",
		"-x264-params", "nal-hrd=cbr:force-cfr=1",
		"-c:a", "aac", "-b:a", "128k", "-ar", "44100", "-ac", "2", "-f", "flv",
	}
}

// Clip returns the path of the clip to publish, which it makes with ffmpeg the first time and keeps in the user's
// cache folder.
func Clip(ctx context.Context) (string, error) { return made(ctx, clipArgs()) }

// LowClip returns that of the clip of 500 kbit/s.
func LowClip(ctx context.Context) (string, error) { return made(ctx, lowArgs()) }

// MiddleClip returns that of the clip of 1 Mbit/s.
func MiddleClip(ctx context.Context) (string, error) { return made(ctx, middleArgs()) }

// BigClip returns that of a clip whose key frames, one a second, are so large as a server may be made to keep.
func BigClip(ctx context.Context) (string, error) {
	return made(ctx, []string{
		"-v", "error", "-y", "-f", "lavfi", "-i", "color=gray:size=3840x2160:rate=1,noise=alls=60:allf=t", "-t", "6",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "1", "-qp", "6", "-f", "flv",
	})
}

func made(ctx context.Context, args []string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	sum := sha256.Sum256([]byte(strings.Join(args, "\x00")))
	dir := filepath.Join(cache, "sluice-bench")
	path := filepath.Join(dir, "clip-"+hex.EncodeToString(sum[:6])+".flv")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	part := path + ".part"
	if _, err := output(ctx, append(append([]string{"ffmpeg"}, args...), part)...); err != nil {
		return "", err
	}
	if err := os.Rename(part, path); err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	return path, nil
}
