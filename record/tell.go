package record

import (
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/mp4"
)

// tell tells the observers of a finished file.
func (f *finisher) tell(j *job) error {
	info, err := os.Stat(j.final)
	if err != nil {
		return err
	}
	if lasts, ok := lengthOf(j.final, info.Size()); ok && j.kind != TS {
		j.lasts = lasts
	}
	day, name := filepath.Split(j.final)
	day = filepath.Base(day)
	ev := &hook.RecordEvent{
		Stream: j.stream, Params: j.params, Start: j.start, Length: j.lasts, FileSize: info.Size(),
		FilePath: j.final, FileName: name, Folder: j.place.dir() + string(os.PathSeparator), URL: path.Join(j.place.url, day, name),
	}
	f.recorder.log.Info("recorded", "stream", j.stream.String(), "path", j.final, "length", j.lasts.Round(time.Millisecond), "bytes", info.Size())
	if j.kind == TS {
		f.recorder.media.RecordedTS(ev)
	} else {
		f.recorder.media.RecordedMP4(ev)
	}
	return nil
}

// lengthOf returns how long an MP4 file plays.
func lengthOf(name string, size int64) (time.Duration, bool) {
	file, err := os.Open(name)
	if err != nil {
		return 0, false
	}
	defer file.Close()
	x, err := mp4.Open(file, size)
	if err != nil {
		return 0, false
	}
	return x.Duration(), true
}

// closed hands a closed file over to be finished.
func (g *recording) closed(t *tape) {
	g.log.Debug("recording closed a file", "path", t.path, "length", t.ends, "bytes", t.disk.size, "lost", g.lost.Load())
	g.recorder.finisher.add(&job{note: t.note, path: t.path, final: t.final, place: g.place, lasts: t.ends, keep: t.disk.keep()})
}
