package record

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/docroot"
)

// Folder says where the file of a recording is that a clean path of a URL names, which says nothing of the virtual host: in which folder, and the
// path in it, with slashes. It may not be there. A file server needs it whose virtual hosts have folders of their own, since recordings of a virtual
// host lie elsewhere: the path /record/live/cam/2026-11-27/x.mp4 of a.example is the file record/a.example/live/cam/2026-11-27/x.mp4 below
// Config.Dir, and /live/cam/2026-11-27/15/vod.m3u8 is a.example/live/cam/2026-11-27/15/vod.m3u8. Package web asks for it if the library is the Made
// of its FilesConfig. It is false for a path of none.
func (l *Library) Folder(vhost, urlPath string) (dir, name string, ok bool) {
	if vhost != hook.DefaultVHost && !docroot.Shown(vhost) {
		return "", "", false
	}
	rest := strings.TrimPrefix(urlPath, "/")
	first, below, _ := strings.Cut(rest, "/")
	if first == l.app {
		dir, ok = l.top(vhost)
		return dir, below, ok
	}
	hour := path.Dir(rest)
	if !isHour(path.Base(hour)) || !isDay(path.Base(path.Dir(hour))) {
		return "", "", false
	}
	dir = l.dir
	if vhost != hook.DefaultVHost {
		dir = filepath.Join(dir, vhost)
	}
	return dir, rest, true
}
