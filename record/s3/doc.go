// Package s3 takes finished recordings to an object store that speaks the protocol of Amazon S3, such as Amazon's own or MinIO. It is a
// module of its own, so that who stores nothing there has none of its dependencies.
//
// [Store] is a record.Store, for record.Config.Store. A file becomes one object, and is stored when the server says of that object
// what is true of the file: its size and its sums. How that is found out:
//
//   - Each request that carries data says its MD5, and its CRC-32C unless [Config.OmitChecksums]; without TLS its SHA-256, too. A server
//     refuses what has changed on its way.
//   - Then the server is asked what it has. The size must be right, and the CRC-32C, of the object or of its parts, if the server keeps one
//     (Amazon S3 and MinIO do), and the ETag where it is the MD5 of the object, or the one of the MD5s of its parts with their number. An
//     ETag that is made in another way, as that of an object encrypted by KMS, says nothing.
//   - When none of that says anything, or the ETag does not fit, the object is read back and compared.
//
// What is wrong then is an error, and the recorder tries again later. An object that is there already and whole, as after a crash between
// the upload and its end, is not sent again.
//
// The credentials need s3:PutObject, s3:GetObject and s3:ListBucket of the bucket; without the last Amazon S3 does not say that an object
// is not there. With s3:AbortMultipartUpload and s3:ListBucketMultipartUploads, the parts of an upload that did not end are removed: when
// it fails, and those that a crash has left when the file comes again. A rule of the bucket that lets them expire
// (AbortIncompleteMultipartUpload) catches the rest.
//
// Memory: a file is sent from the disk, and no part of it is held. Four files at a time, which is what a recorder has, take less than a
// MiB, however long they are. Each part is read twice, shortly after one another: for its sums, and to be sent.
package s3
