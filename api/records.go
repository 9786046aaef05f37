package api

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

// withExtra adds members to the reply of an error.
func withExtra(err error, extra reply) error {
	code := codeFailed
	if e, ok := errors.AsType[*Error](err); ok {
		code = e.Code
	}
	return &Error{Code: code, Msg: err.Error(), extra: extra}
}

// recordKind is the argument type of a call.
func (a *arguments) recordKind() (record.Kind, bool) {
	kinds := [...]record.Kind{record.HLS, record.MP4, record.HLSFMP4, record.FMP4, record.TS}
	n := a.int("type")
	if n < 0 || n >= int64(len(kinds)) {
		return 0, false
	}
	return kinds[n], true
}

func (h *Handler) addRecords(all map[string]serveFunc) {
	part := func(p *Parts) Recorder { return p.Recorder }
	all["startRecord"] = with(h, part, h.startRecord)
	all["stopRecord"] = with(h, part, h.stopRecord)
	all["isRecording"] = with(h, part, h.isRecording)
	all["getRecordStatus"] = all["isRecording"]
	all["startRecordTask"] = with(h, part, func(c *call, p Recorder) (reply, error) {
		a := &c.args
		if _, err := h.stream(a); err != nil {
			return nil, err
		}
		path, err := p.Clip(c.request.Context(), record.ClipRequest{
			Stream: h.key(a), Path: a.get("path"), Back: a.millis("back_ms"), Forward: a.millis("forward_ms"),
		})
		return reply{"data": reply{"path": path}, "msg": ""}, err
	})
}

// stream finds the one that a call names, whatever the schema.
func (h *Handler) stream(a *arguments) (*media.Stream, error) {
	st, ok := h.media.Stream(h.key(a))
	if !ok {
		return nil, errNoStream()
	}
	return st, nil
}

func (h *Handler) startRecord(c *call, p Recorder) (reply, error) {
	a := &c.args
	if _, err := h.stream(a); err != nil {
		return nil, err
	}
	kind, ok := a.recordKind()
	err := error(&Error{Code: codeFailed, Msg: "start record failed"})
	if ok {
		err = p.Start(c.request.Context(), record.Request{
			Stream: h.key(a), Kind: kind, Dir: a.get("customized_path"), MaxDuration: a.seconds("max_second"),
		})
	}
	return recorded(err)
}

func (h *Handler) stopRecord(c *call, p Recorder) (reply, error) {
	a := &c.args
	if _, err := h.stream(a); err != nil {
		return nil, err
	}
	kind, ok := a.recordKind()
	err := error(&Error{Code: codeFailed, Msg: "stop record failed"})
	if ok {
		err = p.Stop(c.request.Context(), h.key(a), kind)
	}
	return recorded(err)
}

func recorded(err error) (reply, error) {
	if err != nil {
		return nil, withExtra(err, reply{"result": false})
	}
	return reply{"result": true, "msg": "success"}, nil
}

func (h *Handler) isRecording(c *call, p Recorder) (reply, error) {
	if _, err := h.stream(&c.args); err != nil {
		return nil, err
	}
	kind, ok := c.args.recordKind()
	return reply{"status": ok && p.Recording(h.key(&c.args), kind)}, nil
}

func (h *Handler) addLibrary(all map[string]serveFunc) {
	part := func(p *Parts) Library { return p.Library }
	all["getMp4RecordFile"] = with(h, part, func(c *call, p Library) (reply, error) {
		found, err := p.List(c.request.Context(), h.query(&c.args))
		if found.Names == nil {
			found.Names = []string{}
		}
		return reply{"data": reply{"rootPath": folder(found.Dir), "paths": found.Names}}, err
	})
	all["deleteRecordDirectory"] = with(h, part, func(c *call, p Library) (reply, error) {
		name := c.args.get("name")
		path, n, err := p.Delete(c.request.Context(), h.query(&c.args), name)
		if name == "" {
			path = folder(path)
		}
		return reply{"path": path, "code": number(n > 0) - 1}, err
	})
}

func (h *Handler) query(a *arguments) record.Query {
	return record.Query{Stream: h.key(a), Period: a.get("period"), Dir: a.get("customized_path")}
}

// folder is a directory as the API writes it, with a slash at its end.
func folder(dir string) string {
	if dir == "" || strings.HasSuffix(dir, "/") {
		return dir
	}
	return dir + "/"
}

func (h *Handler) addFiles(all map[string]serveFunc) {
	part := func(p *Parts) Files { return p.Files }
	all["loadMP4File"] = with(h, part, h.loadMP4)
	all["setRecordSpeed"] = with(h, part, func(c *call, p Files) (reply, error) {
		speed := c.args.float("speed")
		return h.control(c, speed >= 0.1 && speed <= 20, "set failed", func(ctx context.Context, key media.StreamKey) error {
			return p.SetSpeed(ctx, key, speed)
		})
	})
	all["seekRecordStamp"] = with(h, part, func(c *call, p Files) (reply, error) {
		return h.control(c, true, "seek failed", func(ctx context.Context, key media.StreamKey) error {
			return p.Seek(ctx, key, c.args.millis("stamp"))
		})
	})
}

func (h *Handler) loadMP4(c *call, p Files) (reply, error) {
	a := &c.args
	o := a.options()
	o.AutoClose = new(true)
	if o.EnableMP4 == nil {
		o.EnableMP4 = new(false)
	}
	var paths []string
	for path := range strings.SplitSeq(a.get("file_path"), ";") {
		if path != "" {
			paths = append(paths, path)
		}
	}
	length, err := p.Load(c.request.Context(), record.LoadRequest{
		Stream: h.key(a), Paths: paths, Repeat: a.bool("file_repeat"), At: a.millis("seek_ms"), Speed: a.float("speed"), Options: o,
	})
	return reply{"data": reply{"duration_ms": int64(length / time.Millisecond)}}, unexpected(err)
}

// unexpected gives an error that chooses no code that of what was not expected.
func unexpected(err error) error {
	if _, ok := errors.AsType[*Error](err); ok || err == nil {
		return err
	}
	return &Error{Code: codeException, Msg: err.Error()}
}

// control changes the playback of a file that the call names.
func (h *Handler) control(c *call, ok bool, failed string, do func(context.Context, media.StreamKey) error) (reply, error) {
	s, err := h.source(&c.args)
	if err != nil {
		return nil, err
	}
	if !ok || do(c.request.Context(), s.Key()) != nil {
		return nil, &Error{Code: codeFailed, Msg: failed, extra: reply{"result": -1}}
	}
	return reply{"result": 0, "msg": "success"}, nil
}
