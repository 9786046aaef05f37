package record

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// vod is the playlist of an hour (RFC 8216). It is only ever written at its end, so that a crash leaves one that can be played.
type vod struct {
	dir     string
	file    *os.File
	resumed bool   // it has segments of an earlier recording
	init    string // what the next segment needs first, if that is another
	first   bool   // it has no segment of this recording yet
}

const endOfList = "#EXT-X-ENDLIST\n"

// openVOD begins the playlist of an hour, or goes on with it.
func openVOD(dir, name string) (*vod, error) {
	v := &vod{dir: dir, first: true}
	path := filepath.Join(dir, name)
	before, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist) || err == nil && len(before) == 0:
		head := fmt.Sprintf("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n",
			longestSegment/time.Second)
		v.file, err = os.Create(path)
		if err == nil {
			_, err = v.file.WriteString(head)
		}
	case err == nil:
		v.resumed = true
		v.file, err = os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil { // what a crash has cut goes, too
			whole := bytes.LastIndexByte(bytes.TrimSuffix(before, []byte(endOfList)), '\n') + 1
			if err = v.file.Truncate(int64(whole)); err == nil {
				_, err = v.file.Seek(int64(whole), 0)
			}
		}
	}
	if err != nil && v.file != nil {
		err = errors.Join(err, v.file.Close())
	}
	return v, err
}

// mapping says what the segments from now on need first.
func (v *vod) mapping(init string) { v.init = init }

// add enters a segment.
func (v *vod) add(name string, begins time.Time, lasts time.Duration, broken bool) error {
	var b bytes.Buffer
	if broken && !v.first || v.first && v.resumed {
		b.WriteString("#EXT-X-DISCONTINUITY\n")
	}
	if v.init != "" {
		fmt.Fprintf(&b, "#EXT-X-MAP:URI=%q\n", v.init)
	}
	fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", begins.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	fmt.Fprintf(&b, "#EXTINF:%.3f,\n%s\n", max(lasts, time.Millisecond).Seconds(), name)
	v.init, v.first = "", false
	_, err := v.file.Write(b.Bytes())
	return err
}

// end says that no more segments come.
func (v *vod) end() error {
	_, err := v.file.WriteString(endOfList)
	return errors.Join(err, v.file.Close())
}
