// Package bits reads numbers that are not whole bytes, first bit first.
package bits

// Reader reads numbers of up to 16 bits. Past the end there are zeros.
type Reader struct {
	B    []byte
	At   int // the next bit
	Left int // bits that may still be read
}

// Read reads the next n bits.
func (r *Reader) Read(n int) (v int) {
	for range n {
		v <<= 1
		if r.Left > 0 && r.At/8 < len(r.B) {
			v |= int(r.B[r.At/8]>>(7-r.At%8)) & 1
			r.Left--
		}
		r.At++
	}
	return v
}

// Golomb reads an unsigned Exp-Golomb code (H.264, 9.1). One of more than 16 bits behind its zeros counts as 0.
func (r *Reader) Golomb() int {
	for zeros := range 17 {
		if r.Read(1) == 1 {
			return 1<<zeros - 1 + r.Read(zeros)
		}
	}
	return 0
}
