package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/sluice-media/sluice/record"
)

// Store is a record.Store that keeps files as objects. Make one with [New]. Its methods may be called by any number of goroutines, but a
// file by one at a time only, of all processes. It has no goroutines but those of its connections.
type Store struct {
	cfg    Config
	core   minio.Core
	client *http.Transport // nil when Config has one
}

var _ record.Store = (*Store)(nil)

// New makes a Store. It does not ask the server for anything yet: a wrong bucket or key is an error of Store.Store.
func New(cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg}
	if cfg.Transport == nil {
		s.client, err = minio.DefaultTransport(!cfg.PlainHTTP)
		if err != nil {
			return nil, fmt.Errorf("s3: %w", err)
		}
		s.client.ResponseHeaderTimeout = 0 // the watchdog waits longer: to put together a long object may take minutes
		cfg.Transport = s.client
	}
	client, err := minio.New(cfg.Endpoint, &minio.Options{
		Creds: cfg.Credentials, Secure: !cfg.PlainHTTP, Region: cfg.Region, BucketLookup: cfg.BucketLookup,
		Transport: cfg.Transport, MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("s3: Config.Endpoint %q: %w", cfg.Endpoint, err)
	}
	s.core.Client = client
	return s, nil
}

// Close closes connections that nobody uses, which close by themselves after a minute. The Store can be used after it. It does nothing
// when Config has a Transport. It never fails.
func (s *Store) Close() error {
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	return nil
}

// Store uploads a file as one object, unless that is there already, and returns nil when the server has shown that it has all of it. When ctx
// ends it returns soon, with its cause: an upload in parts is called off then, which takes three seconds at most. Other errors are
// [ErrChanged], [ErrDiffers], [ErrStalled], [ErrNoBucket], [ErrDenied], those of the file system, and what the server has answered, a
// minio.ErrorResponse. An object that is not whole stays until the next attempt replaces it.
func (s *Store) Store(ctx context.Context, f record.File) error {
	src, err := open(f)
	if err != nil {
		return err
	}
	defer src.close()
	d, err := s.delivery(src, f)
	if err != nil {
		return err
	}
	ctx, d.dog = watch(ctx, s.cfg.StallTimeout)
	defer d.dog.stop()
	if err := d.run(ctx); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return fmt.Errorf("object %s: %w", d.key, errors.Join(err, src.unchanged()))
	}
	return src.unchanged()
}

// delivery returns what is to be done for a file.
func (s *Store) delivery(src *source, f record.File) (*delivery, error) {
	key := s.cfg.Prefix + s.cfg.Name(f)
	if err := s3utils.CheckValidObjectName(key); err != nil {
		return nil, fmt.Errorf("s3: %q cannot be the name of an object: %w", key, err)
	}
	return &delivery{
		Store: s, src: src, key: key, partSize: partSize(src.size, s.cfg.PartSize),
		about: minio.PutObjectOptions{
			ContentType: s.cfg.ContentType(f), UserMetadata: metadata(f),
			DisableContentSha256: true, // it is said in front of the data, not within
		},
	}, nil
}

// partSize returns how long the parts of a file are.
func partSize(size, wanted int64) int64 {
	const step = 1 << 20
	least := (size + maxParts - 1) / maxParts
	return max(wanted, (least+step-1)/step*step)
}
