package api

import (
	"errors"
	"time"

	"github.com/sluice-media/sluice/media"
)

// withExtra adds members to the reply of an error.
func withExtra(err error, extra reply) error {
	code := codeFailed
	if e, ok := errors.AsType[*Error](err); ok {
		code = e.Code
	}
	return &Error{Code: code, Msg: err.Error(), extra: extra}
}

// recordType is the argument type of a call.
func (a *arguments) recordType() (RecordType, bool) {
	n := a.int("type")
	return RecordType(n), n >= int64(RecordHLS) && n <= int64(RecordTS)
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
		path, err := p.RecordTask(c.request.Context(), h.key(a), a.get("path"), a.millis("back_ms"), a.millis("forward_ms"))
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
	kind, ok := a.recordType()
	err := error(&Error{Code: codeFailed, Msg: "start record failed"})
	if ok {
		err = p.StartRecord(c.request.Context(), RecordRequest{
			Stream: h.key(a), Type: kind, Path: a.get("customized_path"), Length: a.seconds("max_second"),
		})
	}
	return recorded(err)
}

func (h *Handler) stopRecord(c *call, p Recorder) (reply, error) {
	a := &c.args
	if _, err := h.stream(a); err != nil {
		return nil, err
	}
	kind, ok := a.recordType()
	err := error(&Error{Code: codeFailed, Msg: "stop record failed"})
	if ok {
		err = p.StopRecord(c.request.Context(), h.key(a), kind)
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
	kind, ok := c.args.recordType()
	return reply{"status": ok && p.Recording(h.key(&c.args), kind)}, nil
}

func (h *Handler) addFiles(all map[string]serveFunc) {
	snaps := func(p *Parts) Snapshots { return p.Snapshots }
	all["getSnap"] = with(h, snaps, func(c *call, p Snapshots) (reply, error) {
		c.written = true
		p.Snap(c.writer, c.request, c.args.get("url"), seconds(c.args.float("timeout_sec")), seconds(c.args.float("expire_sec")))
		return nil, nil
	})
	all["deleteSnapDirectory"] = with(h, snaps, func(c *call, p Snapshots) (reply, error) {
		return nil, p.DeleteSnaps(h.key(&c.args), c.args.get("file"))
	})
	part := func(p *Parts) Files { return p.Files }
	all["getMp4RecordFile"] = with(h, part, h.recordFiles)
	all["deleteRecordDirectory"] = with(h, part, func(c *call, p Files) (reply, error) {
		a := &c.args
		dir, ok, err := p.DeleteRecords(h.key(a), a.get("period"), a.get("name"), a.get("customized_path"))
		return reply{"path": dir, "code": number(ok) - 1}, err
	})
	all["loadMP4File"] = with(h, part, h.loadMP4)
	all["setRecordSpeed"] = with(h, part, func(c *call, p Files) (reply, error) {
		speed := c.args.float("speed")
		return h.control(c, speed >= 0.1 && speed <= 20, "set failed", func(key media.StreamKey) error { return p.SetSpeed(key, speed) })
	})
	all["seekRecordStamp"] = with(h, part, func(c *call, p Files) (reply, error) {
		at := c.args.millis("stamp")
		return h.control(c, true, "seek failed", func(key media.StreamKey) error { return p.Seek(key, at) })
	})
	all["downloadFile"] = with(h, part, func(c *call, p Files) (reply, error) {
		c.written = true
		p.Download(c.writer, c.request, c.args.get("file_path"), c.args.get("save_name"))
		return nil, nil
	})
}

func (h *Handler) recordFiles(c *call, p Files) (reply, error) {
	a := &c.args
	root, names, err := p.RecordFiles(h.key(a), a.get("period"), a.get("customized_path"))
	if names == nil {
		names = []string{}
	}
	return reply{"data": reply{"rootPath": root, "paths": names}}, err
}

func (h *Handler) loadMP4(c *call, p Files) (reply, error) {
	a := &c.args
	o := a.options()
	o.AutoClose = new(true)
	if o.EnableMP4 == nil {
		o.EnableMP4 = new(false)
	}
	length, err := p.LoadMP4(c.request.Context(), LoadRequest{
		Stream: h.key(a), Path: a.get("file_path"), Repeat: a.bool("file_repeat"), At: a.millis("seek_ms"),
		Speed: a.float("speed"), Options: o,
	})
	return reply{"data": reply{"duration_ms": int64(length / time.Millisecond)}}, err
}

// control changes the playback of a file that the call names.
func (h *Handler) control(c *call, ok bool, failed string, do func(media.StreamKey) error) (reply, error) {
	s, err := h.source(&c.args)
	if err != nil {
		return nil, err
	}
	if !ok || do(s.Key()) != nil {
		return nil, &Error{Code: codeFailed, Msg: failed, extra: reply{"result": -1}}
	}
	return reply{"result": 0, "msg": "success"}, nil
}
