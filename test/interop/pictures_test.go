package interop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pictures returns a hash of every picture that ffmpeg decodes from a file. A live recording may begin with
// audio that has no picture yet, and end within a picture, of which ffmpeg complains.
func pictures(ctx context.Context, path string) ([]string, error) {
	return hashes(ctx, path, "-map", "0:v", "-fps_mode", "passthrough")
}

// content returns what pictures does, and a hash of every audio frame in the file, undecoded.
func content(ctx context.Context, path string) (pictures, audio []string, err error) {
	out, err := hashed(ctx, path, "-map", "0:v", "-fps_mode", "passthrough", "-map", "0:a", "-c:a", "copy", "-bsf:a", "aac_adtstoasc")
	return frameHashes(out, "0"), frameHashes(out, "1"), err
}

func hashes(ctx context.Context, path string, options ...string) ([]string, error) {
	out, err := hashed(ctx, path, options...)
	return frameHashes(out, "0"), err
}

// hashed decodes in one thread: several cost more and gain nothing while tests wait for the machine.
func hashed(ctx context.Context, path string, options ...string) (string, error) {
	args := append([]string{"ffmpeg", "-v", "fatal", "-copyts", "-threads", "1", "-i", path}, options...)
	return stdout(ctx, append(args, "-f", "framehash", "-hash", "md5", "-")...)
}

// frameHashes returns the hashes of a stream in what ffmpeg writes as framehash.
func frameHashes(out, stream string) (list []string) {
	for line := range strings.Lines(out) {
		// stream, dts, pts, duration, size, hash, and perhaps more about side data
		if fields := strings.Split(line, ","); len(fields) > 5 && strings.TrimSpace(fields[0]) == stream {
			list = append(list, strings.TrimSpace(fields[5]))
		}
	}
	return list
}

// findRun says where in source the run got begins, or what breaks it: a hash that is missing, changed,
// repeated or out of order.
func findRun(source, got []string) (from int, err error) {
	if len(got) == 0 {
		return 0, errors.New("nothing was read")
	}
	from = slices.Index(source, got[0])
	if from < 0 {
		return 0, errors.New("the first is none that was published")
	}
	for i, h := range got {
		switch at := slices.Index(source, h); {
		case from+i < len(source) && source[from+i] == h:
		case at < 0:
			return from, fmt.Errorf("number %d of %d is none that was published; %d should be here", i, len(got), from+i)
		default:
			return from, fmt.Errorf("number %d of %d is the published %d, not %d", i, len(got), at, from+i)
		}
	}
	return from, nil
}

// packet is one of a file, with its times in seconds.
type packet struct {
	kind     string // video or audio
	pts, dts float64
}

// packets lists the packets of a file, by Debian's ffprobe or another.
func packets(ctx context.Context, path string, ffprobe ...string) ([]packet, error) {
	if len(ffprobe) == 0 {
		ffprobe = []string{"ffprobe"}
	}
	out, err := stdout(ctx, append(ffprobe, "-v", "fatal", "-show_entries", "packet=codec_type,pts_time,dts_time", "-of", "csv=p=0", path)...)
	if err != nil {
		return nil, err
	}
	var list []packet
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimRight(strings.TrimSpace(line), ","), ",")
		if len(fields) < 3 || fields[0] == "data" {
			continue
		}
		pts, err1 := strconv.ParseFloat(fields[1], 64)
		dts, err2 := strconv.ParseFloat(fields[2], 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("a packet without times: %w", err)
		}
		list = append(list, packet{fields[0], pts, dts})
	}
	return list, nil
}

// apart returns packets with those DTS a little apart that are the same: RTP says none, and GStreamer's guess is not always one for each
// picture (once in some hundred readers, at the same picture for all of them). Their PTS must differ, which RTP says.
func apart(list []packet) []packet {
	const little = 1e-6
	last, shown := map[string]float64{}, map[string]bool{}
	list = slices.Clone(list)
	for i := range list {
		p := &list[i]
		if before, seen := last[p.kind]; seen && p.dts == before && !shown[fmt.Sprint(p.kind, p.pts)] {
			p.dts += little
			p.pts = max(p.pts, p.dts)
		}
		shown[fmt.Sprint(p.kind, p.pts)] = true
		last[p.kind] = list[i].dts
	}
	return list
}

// checkTimes says which packet's DTS is not after the one before it in its track, or after its PTS.
func checkTimes(list []packet) error {
	last := map[string]float64{}
	for i, p := range list {
		if before, seen := last[p.kind]; seen && p.dts <= before {
			return fmt.Errorf("packet %d, %s: DTS %v after %v", i, p.kind, p.dts, before)
		}
		if p.pts < p.dts {
			return fmt.Errorf("packet %d, %s: PTS %v before DTS %v", i, p.kind, p.pts, p.dts)
		}
		last[p.kind] = p.dts
	}
	return nil
}

// What is to find damage is shown some.
func TestChecksFindDamage(t *testing.T) {
	source := strings.Split("abcdefgh", "")
	for got, want := range map[string]string{
		"abcdefgh": "", "cdef": "", "h": "",
		"": "nothing", "xab": "the first", "abxde": "number 2 of 5 is none", "abde": "is the published 3, not 2",
		"abbcd": "is the published 1, not 2", "abdce": "is the published 3, not 2", "ghab": "is the published 0, not 8",
	} {
		var list []string
		if got != "" {
			list = strings.Split(got, "")
		}
		from, err := findRun(source, list)
		if want == "" {
			require.NoError(t, err, got)
			require.Equal(t, got[0]-'a', byte(from))
		} else {
			require.ErrorContains(t, err, want, got)
		}
	}
	require.NoError(t, checkTimes([]packet{{"video", 1, 0}, {"audio", 0, 0}, {"video", 1, 1}, {"audio", .5, .5}}))
	require.Error(t, checkTimes([]packet{{"video", 1, 1}, {"video", 2, 1}}))
	require.Error(t, checkTimes([]packet{{"video", 1, 1.1}}))
	require.NoError(t, checkTimes(apart([]packet{{"video", 2, 1}, {"video", 3, 1}})))
	require.Error(t, checkTimes(apart([]packet{{"video", 2, 1}, {"video", 2, 1}})))
	require.Error(t, checkTimes(apart([]packet{{"video", 2, 1}, {"video", 3, 0}})))
}
