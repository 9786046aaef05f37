package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/minio/minio-go/v7"
)

// abortTime is how long calling an upload off may take.
const abortTime = 3 * time.Second

// multipart sends the file in parts, one after the other.
func (d *delivery) multipart(ctx context.Context) (sent *sums, err error) {
	d.sweep(ctx)
	id, err := d.core.NewMultipartUpload(ctx, d.cfg.Bucket, d.key, d.aboutParts())
	if err != nil {
		return nil, explain("begin an upload", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.abort(ctx, id))
		}
	}()
	sent, parts, err := d.parts(ctx, id)
	if err != nil {
		return nil, err
	}
	d.dog.pat()
	_, err = d.core.CompleteMultipartUpload(ctx, d.cfg.Bucket, d.key, id, parts, minio.PutObjectOptions{})
	return sent, explain("complete an upload", err)
}

// aboutParts is what is said when an upload begins: besides, that the object is to have one sum of all, not one of the sums of its parts.
func (d *delivery) aboutParts() minio.PutObjectOptions {
	opts := d.about
	if !d.cfg.OmitChecksums {
		opts.UserMetadata = maps.Clone(opts.UserMetadata)
		opts.UserMetadata["X-Amz-Checksum-Algorithm"] = "CRC32C"
		opts.UserMetadata["X-Amz-Checksum-Type"] = "FULL_OBJECT"
	}
	return opts
}

// parts sends all parts.
func (d *delivery) parts(ctx context.Context, id string) (*sums, []minio.CompletePart, error) {
	count := int((d.src.size + d.partSize - 1) / d.partSize)
	sent, list := newSums(count), make([]minio.CompletePart, 0, count)
	for n := 1; n <= count; n++ {
		offset := int64(n-1) * d.partSize
		size := min(d.partSize, d.src.size-offset)
		err := d.part(ctx, sent, offset, size, func(body io.Reader, h headers) error {
			p, err := d.core.PutObjectPart(ctx, d.cfg.Bucket, d.key, id, n, body, size, minio.PutObjectPartOptions{
				Md5Base64: h.md5, Sha256Hex: h.sha256, CustomHeader: h.checksumHeaders(), DisableContentSha256: true,
			})
			if err == nil {
				list = append(list, minio.CompletePart{PartNumber: n, ETag: p.ETag, ChecksumCRC32C: h.crc})
			}
			return err
		})
		if err != nil {
			return nil, nil, explain(fmt.Sprintf("upload part %d of %d", n, count), err)
		}
	}
	return sent, list, nil
}

// abort calls an upload off, so that its parts do not stay, also when ctx has ended.
func (d *delivery) abort(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	err := d.core.AbortMultipartUpload(ctx, d.cfg.Bucket, d.key, id)
	if answer(err).Code == minio.NoSuchUpload {
		return nil
	}
	return explain("call an upload off, of which parts may be left", err)
}

// sweep removes what uploads of the same object have left that did not end, as by a crash. Where that may not be done, it is left to the
// rules of the bucket.
func (d *delivery) sweep(ctx context.Context) {
	const most = 100
	found, err := d.core.ListMultipartUploads(ctx, d.cfg.Bucket, d.key, "", "", "", most)
	if err != nil {
		return
	}
	for _, u := range found.Uploads {
		if u.Key == d.key {
			_ = d.core.AbortMultipartUpload(ctx, d.cfg.Bucket, d.key, u.UploadID)
		}
	}
}
