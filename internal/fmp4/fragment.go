package fmp4

import (
	"encoding/binary"
	"time"

	"github.com/sluice-media/sluice/media"
)

// sample is a packet whose duration is known.
type sample struct {
	packet *media.Packet
	begins uint64 // decode time, in units of its track
	lasts  uint32
}

// flagsOf are sample_flags (14496-12, 8.8.3.1).
func flagsOf(key bool) uint32 {
	if key {
		return 0x02000000 // depends on no other
	}
	return 0x01010000 // depends on others, decoding cannot start here
}

// Sizes of what a fragment has besides its data.
const (
	moofSize        = 8 + 16 // with mfhd
	trafSize        = 8 + 16 + 20 + 20
	videoSampleSize = 16
	audioSampleSize = 8
)

// run is what a fragment has of a track.
type run struct {
	track   *track
	samples []sample
	start   bool // readers are to begin with the first
}

// lasts returns how long all samples last.
func (r *run) lasts() (d time.Duration) {
	last := &r.samples[len(r.samples)-1]
	n := last.begins + uint64(last.lasts) - r.samples[0].begins
	return time.Duration(n) * time.Second / time.Duration(r.track.scale)
}

func (r *run) headSize() int {
	if len(r.samples) == 0 {
		return 0
	}
	size := audioSampleSize
	if r.track.Codec.Video() {
		size = videoSampleSize
	}
	return trafSize + size*len(r.samples)
}

func (r *run) dataSize() (n int) {
	for i := range r.samples {
		n += len(r.samples[i].packet.Data)
	}
	return n
}

// appendFragment appends moof and mdat with what runs have.
func appendFragment(dst []byte, sequence uint32, runs []run) []byte {
	head, data := moofSize, 0
	for i := range runs {
		head += runs[i].headSize()
		data += runs[i].dataSize()
	}
	dst = appendHead(dst, "moof", head)
	dst = appendHead(dst, "mfhd", 16)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, sequence)
	offset := head + 8
	for i := range runs {
		dst = runs[i].appendTraf(dst, offset)
		offset += runs[i].dataSize()
	}
	dst = appendHead(dst, "mdat", 8+data)
	for i := range runs {
		for j := range runs[i].samples {
			dst = append(dst, runs[i].samples[j].packet.Data...)
		}
	}
	return dst
}

func appendHead(dst []byte, name string, size int) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(size)), name...)
}

// appendTraf appends the box of a run (8.8.6) whose data is at an offset from the beginning of its moof.
func (r *run) appendTraf(dst []byte, offset int) []byte {
	if len(r.samples) == 0 {
		return dst
	}
	be := binary.BigEndian
	video := r.track.Codec.Video()
	dst = appendHead(dst, "traf", r.headSize())
	dst = appendHead(dst, "tfhd", 16)
	dst = be.AppendUint32(dst, 0x020000) // default-base-is-moof
	dst = be.AppendUint32(dst, r.track.number)
	dst = appendHead(dst, "tfdt", 20)
	dst = be.AppendUint32(dst, 1<<24)
	dst = be.AppendUint64(dst, r.samples[0].begins)
	dst = appendHead(dst, "trun", r.headSize()-trafSize+20)
	if video {
		dst = be.AppendUint32(dst, 1<<24|0xf01) // offset; of each duration, size, flags and composition offset
	} else {
		dst = be.AppendUint32(dst, 0x301) // offset; of each duration and size
	}
	dst = be.AppendUint32(dst, uint32(len(r.samples)))
	dst = be.AppendUint32(dst, uint32(offset))
	for i := range r.samples {
		s := &r.samples[i]
		dst = be.AppendUint32(dst, s.lasts)
		dst = be.AppendUint32(dst, uint32(len(s.packet.Data)))
		if video {
			dst = be.AppendUint32(dst, flagsOf(s.packet.Key))
			composed := int64(units(s.packet.PTS, r.track.scale)) - int64(s.begins)
			dst = be.AppendUint32(dst, uint32(int32(composed)))
		}
	}
	return dst
}
