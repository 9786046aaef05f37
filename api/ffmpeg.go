package api

import (
	"bytes"
	"net/http"

	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/relay"
)

// ffmpegObject is an entry of listFFmpegSource.
type ffmpegObject struct {
	Key     string `json:"key"`
	Source  string `json:"src_url"`
	Dest    string `json:"dst_url"`
	Command string `json:"cmd"`
	CmdKey  string `json:"ffmpeg_cmd_key"`
}

func (h *Handler) addFFmpeg(all map[string]serveFunc) {
	part := func(p *Parts) FFmpeg { return p.FFmpeg }
	all["addFFmpegSource"] = with(h, part, func(c *call, p FFmpeg) (reply, error) {
		a := &c.args
		r := relay.FFmpegRequest{
			Key: sum(a.get("dst_url")), Source: a.get("src_url"), Destination: a.get("dst_url"), Timeout: a.millis("timeout_ms"),
			RecordHLS: a.bool("enable_hls"), RecordMP4: a.bool("enable_mp4"), Template: a.get("ffmpeg_cmd_key"),
		}
		return keyed(r.Key, unlessExists(p.RunFFmpeg(c.request.Context(), r)))
	})
	all["delFFmpegSource"] = with(h, part, func(c *call, p FFmpeg) (reply, error) {
		return flag(p.StopFFmpeg(c.args.get("key"))), nil
	})
	all["listFFmpegSource"] = with(h, part, func(_ *call, p FFmpeg) (reply, error) {
		var objects []ffmpegObject
		for _, s := range p.FFmpegs() {
			objects = append(objects, ffmpegObject{s.Key, redact.URL(s.Source), redact.URL(s.Destination), redact.Text(s.Command), s.Template})
		}
		return list(reply{}, objects), nil
	})
}

func (h *Handler) addSnapshots(all map[string]serveFunc) {
	part := func(p *Parts) Snapshots { return p.Snapshots }
	all["getSnap"] = with(h, part, h.snapshot)
	all["deleteSnapDirectory"] = with(h, part, func(c *call, p Snapshots) (reply, error) {
		return nil, p.DeleteSnapshots(c.request.Context(), h.key(&c.args), c.args.get("file"))
	})
}

// snapshot answers with a picture, in the worst case with the one that the options have for that.
func (h *Handler) snapshot(c *call, p Snapshots) (reply, error) {
	a := &c.args
	picture, err := p.Snapshot(c.request.Context(), relay.SnapshotRequest{
		URL: a.get("url"), Timeout: seconds(a.float("timeout_sec")), MaxAge: seconds(a.float("expire_sec")),
		Width: int(a.uint("width", 1<<14)), Height: int(a.uint("height", 1<<14)), Quality: int(a.uint("quality", 100)),
		Format: a.get("format"),
	})
	if err != nil {
		if picture = h.options().DefaultSnapshot; picture == nil {
			return nil, err
		}
		h.log.Info("no snapshot", "err", redact.Text(err.Error()))
	}
	c.written = true
	c.writer.Header().Set("Content-Type", picture.ContentType)
	c.writer.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(c.writer, c.request, "", picture.Taken, bytes.NewReader(picture.Data))
	return nil, nil
}
