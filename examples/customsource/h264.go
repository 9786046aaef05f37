package main

import (
	"encoding/binary"

	"github.com/sluice-media/sluice/media"
)

// What follows is the smallest H.264 encoder there is (ITU-T H.264): every macroblock is I_PCM, that is, its
// samples as they are. A real source would take its pictures from a camera or an encoder.

// newTrack describes pictures of so many macroblocks of 16x16 pixels.
func newTrack(columns, rows uint) *media.Track {
	sps, pps := sequenceParameters(columns, rows), pictureParameters()
	return &media.Track{
		ID: 1, Codec: media.H264, ClockRate: 90000, Config: decoderConfig(sps, pps),
		Width: int(columns) * 16, Height: int(rows) * 16,
	}
}

// decoderConfig is the avcC record of ISO/IEC 14496-15, 5.3.3.1.
func decoderConfig(sps, pps []byte) []byte {
	b := []byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1}
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(sps))), sps...)
	b = append(b, 1)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(pps))), pps...)
}

// sequenceParameters is the NAL unit of 7.3.2.1: Constrained Baseline, level 3, pictures shown as they come.
func sequenceParameters(columns, rows uint) []byte {
	w := bits{}
	w.fixed(8, 66)
	w.fixed(8, 0xc0)
	w.fixed(8, 30)
	w.golomb(0) // seq_parameter_set_id
	w.golomb(0) // log2_max_frame_num_minus4
	w.golomb(2) // pic_order_cnt_type
	w.golomb(1) // max_num_ref_frames
	w.fixed(1, 0)
	w.golomb(columns - 1)
	w.golomb(rows - 1)
	w.fixed(1, 1) // frame_mbs_only_flag
	w.fixed(1, 0) // direct_8x8_inference_flag
	w.fixed(1, 0) // frame_cropping_flag
	w.fixed(1, 0) // vui_parameters_present_flag
	return nalUnit(0x67, w.end())
}

// pictureParameters is the NAL unit of 7.3.2.2: CAVLC, and slices may switch the deblocking filter off.
func pictureParameters() []byte {
	w := bits{}
	w.golomb(0)   // pic_parameter_set_id
	w.golomb(0)   // seq_parameter_set_id
	w.fixed(2, 0) // entropy_coding_mode_flag, bottom_field_pic_order_in_frame_present_flag
	w.golomb(0)   // num_slice_groups_minus1
	w.golomb(0)   // num_ref_idx_l0_default_active_minus1
	w.golomb(0)   // num_ref_idx_l1_default_active_minus1
	w.fixed(3, 0) // weighted prediction
	w.golomb(0)   // pic_init_qp_minus26
	w.golomb(0)   // pic_init_qs_minus26
	w.golomb(0)   // chroma_qp_index_offset
	w.fixed(1, 1) // deblocking_filter_control_present_flag
	w.fixed(2, 0) // constrained_intra_pred_flag, redundant_pic_cnt_present_flag
	return nalUnit(0x68, w.end())
}

// encode makes an access unit of one IDR slice (7.3.3), behind its length as media.Packet wants it. Pictures
// that follow each other must differ in idr_pic_id, hence n.
func encode(p *picture, n int) []byte {
	w := bits{}
	w.golomb(0)   // first_mb_in_slice
	w.golomb(7)   // slice_type: I, as all in this picture
	w.golomb(0)   // pic_parameter_set_id
	w.fixed(4, 0) // frame_num
	w.golomb(uint(n & 1))
	w.fixed(2, 0) // no_output_of_prior_pics_flag, long_term_reference_flag
	w.golomb(0)   // slice_qp_delta
	w.golomb(1)   // disable_deblocking_filter_idc
	for row := range p.height / 16 {
		for column := range p.width / 16 {
			w.golomb(25) // mb_type: I_PCM
			w.align()
			w.samples(p.y, p.width, column*16, row*16, 16)
			w.samples(p.cb, p.width/2, column*8, row*8, 8)
			w.samples(p.cr, p.width/2, column*8, row*8, 8)
		}
	}
	nal := nalUnit(0x65, w.end())
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(nal))), nal...)
}

// nalUnit puts a header in front of a payload, and a 3 into it wherever a start code would appear (7.4.1).
func nalUnit(header byte, payload []byte) []byte {
	b, zeros := []byte{header}, 0
	for _, v := range payload {
		if zeros == 2 && v <= 3 {
			b, zeros = append(b, 3), 0
		}
		b = append(b, v)
		zeros++
		if v != 0 {
			zeros = 0
		}
	}
	return b
}

// bits writes bits, the highest first.
type bits struct {
	b    []byte
	free int // bits not yet used of the last byte
}

func (w *bits) fixed(n int, v uint) {
	for i := n - 1; i >= 0; i-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(v>>i&1) << w.free
	}
}

// golomb writes an Exp-Golomb code (9.1).
func (w *bits) golomb(v uint) {
	n := 0
	for (v+1)>>n > 1 {
		n++
	}
	w.fixed(n, 0)
	w.fixed(n+1, v+1)
}

// align goes on to the next whole byte.
func (w *bits) align() { w.free = 0 }

// samples writes a square of a plane; w must be aligned.
func (w *bits) samples(plane []byte, stride, x, y, size int) {
	for line := range size {
		at := (y+line)*stride + x
		w.b = append(w.b, plane[at:at+size]...)
	}
}

// end writes the stop bit (7.3.2.11) and returns all bytes.
func (w *bits) end() []byte {
	w.fixed(1, 1)
	return w.b
}
