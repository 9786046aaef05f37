package main

// picture has full brightness (Y) and a quarter of the color samples (Cb, Cr), all from 16 to 240.
type picture struct {
	width, height int
	y, cb, cr     []byte
}

// draw makes the picture with number n.
func draw(n int) *picture {
	p := &picture{width: columns * 16, height: rows * 16}
	p.y = make([]byte, p.width*p.height)
	p.cb, p.cr = make([]byte, len(p.y)/4), make([]byte, len(p.y)/4)
	for i := range p.y {
		x, y := i%p.width, i/p.width
		p.y[i] = byte(40 + y)
		if distance := (x + y - 3*n) & 127; distance < 24 {
			p.y[i] = 220
		}
	}
	for i := range p.cb {
		p.cb[i] = byte(96 + i%(p.width/2))
		p.cr[i] = byte(96 + i/(p.width/2))
	}
	return p
}
