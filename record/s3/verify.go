package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// there reports whether the server has the file already.
func (d *delivery) there(ctx context.Context) (bool, error) {
	info, err := d.stat(ctx)
	if answer(err).StatusCode == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.Size != d.src.size {
		return false, nil
	}
	have, err := d.sumUp(ctx, d.src.section(0, d.src.size))
	if err != nil {
		return false, err
	}
	return d.same(ctx, info, have)
}

// verify returns an error unless the server shows that it has what was sent.
func (d *delivery) verify(ctx context.Context, sent *sums) error {
	info, err := d.stat(ctx)
	if err != nil {
		return err
	}
	if info.Size != d.src.size {
		return fmt.Errorf("%w: it has %d bytes, not %d", ErrDiffers, info.Size, d.src.size)
	}
	same, err := d.same(ctx, info, sent)
	if err == nil && !same {
		err = fmt.Errorf("%w: ETag %s, CRC-32C %s", ErrDiffers, info.ETag, info.ChecksumCRC32C)
	}
	return err
}

// stat asks the server what it has.
func (d *delivery) stat(ctx context.Context) (minio.ObjectInfo, error) {
	info, err := d.core.StatObject(ctx, d.cfg.Bucket, d.key, minio.StatObjectOptions{Checksum: !d.cfg.OmitChecksums})
	if answer(err).StatusCode == http.StatusForbidden {
		err = d.why(ctx, err)
	}
	return info, explain("look for the object", err)
}

// why finds out why the server has refused: to HEAD it cannot say it, to GET it does.
func (d *delivery) why(ctx context.Context, refused error) error {
	var opts minio.GetObjectOptions
	_ = opts.SetRange(0, 1)
	body, _, _, err := d.core.GetObject(ctx, d.cfg.Bucket, d.key, opts)
	if err != nil {
		return err
	}
	_ = body.Close()
	return refused
}

// same reports whether an object is what was summed up. Its size is right. What the server says decides, unless that is nothing, or an ETag
// that does not fit: there may be more ways to make one than are known here.
func (d *delivery) same(ctx context.Context, info minio.ObjectInfo, have *sums) (bool, error) {
	byChecksum := have.checkChecksum(info)
	if byChecksum == differs {
		return false, nil
	}
	byETag, err := d.checkETag(ctx, info, have)
	switch {
	case err != nil:
		return false, err
	case byETag == matches || byChecksum == matches && byETag == unsaid:
		return true, nil
	}
	return d.readBack(ctx, info, have)
}

// checkETag compares the ETag. One that is a plain MD5 of what has parts, as rclone serves it, is compared with that of the file.
func (d *delivery) checkETag(ctx context.Context, info minio.ObjectInfo, have *sums) (verdict, error) {
	e := parseETag(info)
	if e.parts > 0 || e.md5 == "" {
		return have.checkParts(e), nil
	}
	if len(have.parts) == 1 {
		return verdictOf(e.md5 == hex.EncodeToString(have.parts[0].md5[:])), nil
	}
	sum5 := md5.New()
	if _, err := io.Copy(sum5, d.read(ctx, d.src.section(0, d.src.size))); err != nil {
		return unsaid, fmt.Errorf("s3: read the file: %w", err)
	}
	return verdictOf(e.md5 == hex.EncodeToString(sum5.Sum(nil))), nil
}

// readBack compares the object itself.
func (d *delivery) readBack(ctx context.Context, info minio.ObjectInfo, have *sums) (bool, error) {
	var opts minio.GetObjectOptions
	if info.ETag != "" {
		_ = opts.SetMatchETag(info.ETag) // it fails for an empty one only
	}
	body, _, _, err := d.core.GetObject(ctx, d.cfg.Bucket, d.key, opts)
	if err != nil {
		return false, explain("read the object back", err)
	}
	defer body.Close()
	got, err := d.sumUp(ctx, body)
	if err != nil {
		return false, explain("read the object back", err)
	}
	return got.equal(have), nil
}

// sumUp reads as much as the file has, in the parts of the file.
func (d *delivery) sumUp(ctx context.Context, from io.Reader) (*sums, error) {
	s := newSums(1)
	from = d.read(ctx, from)
	for rest := d.src.size; rest > 0 || len(s.parts) == 0; {
		size := min(rest, d.partSize)
		if err := s.add(from, size); err != nil {
			return nil, err
		}
		rest -= size
	}
	return s, nil
}
