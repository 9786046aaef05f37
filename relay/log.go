package relay

import (
	"log/slog"

	"github.com/sluice-media/sluice/internal/redact"
)

// LogValue implements slog.LogValuer: what is logged of a request has no password, and no values of the URL's query.
func (r PullRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("stream", r.Stream.String()), slog.String("url", redact.URL(r.URL)))
}

// LogValue implements slog.LogValuer, as that of [PullRequest].
func (r PushRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("stream", r.Stream.String()), slog.String("url", redact.URL(r.URL)))
}

// LogValue implements slog.LogValuer, as that of [PullRequest].
func (q SnapshotRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", redact.URL(q.URL)))
}

// LogValue implements slog.LogValuer, as that of [PullRequest].
func (r FFmpegRequest) LogValue() slog.Value { return transfer(r.Source, r.Destination) }

// LogValue implements slog.LogValuer: the key and the command, in which the URLs are too, are left out.
func (s FFmpegStatus) LogValue() slog.Value { return transfer(s.Source, s.Destination) }

// LogValue implements slog.LogValuer: the key, in which the URL may be too, is left out.
func (s Status) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("stream", s.Stream.String()), slog.String("url", redact.URL(s.URL)), slog.Int("retries", s.Retries),
	}
	if s.Err != nil {
		attrs = append(attrs, slog.String("err", redact.Text(s.Err.Error())))
	}
	return slog.GroupValue(attrs...)
}

func transfer(from, to string) slog.Value {
	return slog.GroupValue(slog.String("source", redact.URL(from)), slog.String("destination", redact.URL(to)))
}
