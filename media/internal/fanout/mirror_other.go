//go:build !linux

package fanout

// Mirror does nothing here: the system cannot send from files that exist in memory only.
type Mirror struct{ Budget *Budget }

// Add does nothing.
func (*Mirror) Add(*Item, uint64) error { return nil }

// Trim does nothing.
func (*Mirror) Trim(uint64) {}

// Close does nothing.
func (*Mirror) Close() {}

type segment struct{}

type span struct{}

func (span) extend(*Item, int) span { return span{} }
