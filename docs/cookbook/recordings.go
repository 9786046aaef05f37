package cookbook

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/relay"
	"github.com/sluice-media/sluice/web"
)

// uploads is told of each file that is complete.
type uploads struct{}

var _ hook.RecordMP4Hook = uploads{}

func (uploads) OnRecordMP4(_ context.Context, ev *hook.RecordEvent) {
	slog.Info("recorded", "stream", ev.Stream, "file", ev.FilePath, "from", ev.Start, "length", ev.Length)
}

// recording is a server that records all streams of the app live, in files of ten minutes, of which it keeps 100 GiB. It ends with the server:
// m.Shutdown leaves no file half done.
func recording(dir string) (*media.Server, *record.Recorder, error) {
	m, err := media.New(media.Config{Hooks: []hook.Hook{uploads{}}})
	if err != nil {
		return nil, nil, err
	}
	r, err := record.New(m, record.Config{Dir: dir, MaxDuration: 10 * time.Minute, MaxBytes: 100 << 30})
	if err != nil {
		return nil, nil, err
	}
	m.Tap(func(key media.StreamKey) bool { return key.App == "live" }, media.TapFunc(func(ctx context.Context, st *media.Stream) error {
		return r.Start(ctx, record.Request{Stream: st.Key(), Kind: record.MP4})
	}))
	return m, r, nil
}

// today lists what was recorded of a stream today.
func today(ctx context.Context, r *record.Recorder, key media.StreamKey) ([]string, error) {
	found, err := r.Library().List(ctx, record.Query{Stream: key, Period: time.Now().Format(time.DateOnly)})
	return found.Names, err
}

// event writes a file of a stream that begins five seconds before now, at the key frame there, and ends five seconds after. OnRecordMP4 tells
// when it is complete.
func event(ctx context.Context, r *record.Recorder, key media.StreamKey, name string) (path string, err error) {
	return r.Clip(ctx, record.ClipRequest{Stream: key, Path: "events/" + name + ".mp4", Back: 5 * time.Second, Forward: 5 * time.Second})
}

// archive is a directory, such as that of another disk, to which finished files are copied: record.Config{Store: archive("/mnt/archive")}.
type archive string

var _ record.Store = archive("")

// Store implements record.Store. What it has not taken is tried again, so a file may come twice.
func (a archive) Store(_ context.Context, f record.File) error {
	to := filepath.Join(string(a), filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	from, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer from.Close()
	part, err := os.Create(to + ".part")
	if err != nil {
		return err
	}
	_, err = io.Copy(part, from)
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), to)
}

// recordings serves live streams and, beside them, recordings: the Dir of the recorder, and what is made of that. It is to be mounted at /.
func recordings(m *media.Server, r *record.Recorder, dir string) (http.Handler, error) {
	files, err := web.NewFiles(m, web.FilesConfig{Root: dir, Made: r.Library()})
	if err != nil {
		return nil, err
	}
	return web.NewHandler(m, web.Config{NotFound: files})
}

// token lets in who has it: to recordings by HTTP, and to those by all other protocols and to live streams. A playlist has it in the
// addresses of its segments. Without a hook everybody may have everything.
type token string

var (
	_ hook.HTTPAccessHook = token("")
	_ hook.PlayHook       = token("")
)

func (t token) OnHTTPAccess(_ context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
	return hook.HTTPAccessReply{}, t.check(ev.Session)
}

func (t token) OnPlay(_ context.Context, ev *hook.PlayEvent) error { return t.check(ev.Session) }

func (t token) check(s hook.Session) error {
	if subtle.ConstantTimeCompare([]byte(s.Query().Get("token")), []byte(t)) != 1 {
		return hook.Deny(401, "a token is needed")
	}
	return nil
}

// control is the API with recordings and relays.
func control(m *media.Server, r *record.Recorder, pulls *relay.Relay, secret string) (http.Handler, error) {
	return api.NewHandler(m, api.Options{Secret: secret, Parts: api.Parts{
		Recorder: r, Library: r.Library(), Files: r, Relay: pulls, FFmpeg: pulls, Snapshots: pulls,
	}})
}
