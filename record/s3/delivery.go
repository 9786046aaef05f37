package s3

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
)

// tries is how often a request is made that fails, and pause how long it takes until the second time.
const (
	tries = 3
	pause = time.Second
)

const checksumHeader = "X-Amz-Checksum-Crc32c"

// delivery takes one file to the server.
type delivery struct {
	*Store
	src      *source
	key      string
	partSize int64
	about    minio.PutObjectOptions
	dog      *watchdog
}

// run sends the file, unless the server has it, and has the server show it.
func (d *delivery) run(ctx context.Context) error {
	there, err := d.there(ctx)
	if there || err != nil {
		return err
	}
	send := d.single
	if d.src.size > d.partSize {
		send = d.multipart
	}
	sent, err := send(ctx)
	if err != nil {
		return err
	}
	d.dog.pat()
	return d.verify(ctx, sent)
}

// single sends the file as it is.
func (d *delivery) single(ctx context.Context) (*sums, error) {
	sent := newSums(1)
	err := d.part(ctx, sent, 0, d.src.size, func(body io.Reader, h headers) error {
		opts := d.about
		if h.crc != "" {
			opts.UserMetadata = maps.Clone(opts.UserMetadata)
			opts.UserMetadata[checksumHeader] = h.crc // minio-go takes headers of this name from here
		}
		_, err := d.core.PutObject(ctx, d.cfg.Bucket, d.key, body, d.src.size, h.md5, h.sha256, opts)
		return err
	})
	return sent, explain("upload", err)
}

// headers say what the data of a request are.
type headers struct {
	md5, crc string // base64
	sha256   string // hexadecimal, or empty
}

// checksumHeaders are those of a part.
func (h headers) checksumHeaders() http.Header {
	if h.crc == "" {
		return nil
	}
	return http.Header{checksumHeader: {h.crc}}
}

// part sums up a part of the file, and sends it until that works.
func (d *delivery) part(ctx context.Context, sent *sums, offset, size int64, send func(io.Reader, headers) error) error {
	var sha hash.Hash
	var also []io.Writer
	if d.cfg.PlainHTTP {
		sha = sha256.New()
		also = append(also, sha)
	}
	if err := sent.add(d.read(ctx, d.src.section(offset, size)), size, also...); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	last := sent.parts[len(sent.parts)-1]
	h := headers{md5: base64.StdEncoding.EncodeToString(last.md5[:])}
	if !d.cfg.OmitChecksums {
		h.crc = encodeCRC(last.crc)
	}
	if sha != nil {
		h.sha256 = hex.EncodeToString(sha.Sum(nil))
	}
	return again(ctx, func() error {
		d.dog.pat()
		return send(d.read(ctx, d.src.section(offset, size)), h)
	})
}

func (d *delivery) read(ctx context.Context, from io.Reader) io.Reader {
	return &reader{ctx: ctx, from: from, dog: d.dog}
}

// again does something until it works, fails for good, or has been tried often enough.
func again(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil || n == tries || !passes(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(n) * pause):
		}
	}
}
