package s3_test

import (
	"context"
	"os"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/record/s3"
)

// recordTo records the streams of the app live, and moves each file to a bucket when it is finished.
func recordTo(m *media.Server, store record.Store) (*record.Recorder, error) {
	r, err := record.New(m, record.Config{Dir: "/var/lib/tapes", MaxDuration: 10 * time.Minute, Store: store, DeleteStored: true})
	if err != nil {
		return nil, err
	}
	m.Tap(func(key media.StreamKey) bool { return key.App == "live" }, media.TapFunc(func(ctx context.Context, st *media.Stream) error {
		return r.Start(ctx, record.Request{Stream: st.Key(), Kind: record.MP4})
	}))
	return r, nil
}

func ExampleNew() {
	store, err := s3.New(s3.Config{
		Endpoint: "minio.example.com:9000", Bucket: "tapes", Region: "us-east-1", Prefix: "berlin/",
		AccessKey: os.Getenv("S3_ACCESS_KEY"), SecretKey: os.Getenv("S3_SECRET_KEY"),
	})
	if err != nil {
		return
	}
	defer store.Close()
	m, err := media.New(media.Config{})
	if err != nil {
		return
	}
	defer m.Close()
	r, err := recordTo(m, store)
	if err != nil {
		return
	}
	defer r.Close()
	// Serve, until the process is to end.
}
