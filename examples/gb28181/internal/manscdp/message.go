// Package manscdp reads and writes the XML that devices and platforms of GB/T 28181 send each other in the bodies of SIP
// MESSAGE (MANSCDP, annex A of GB/T 28181-2016): keep-alives, queries for the catalog, and catalogs.
package manscdp

// ContentType is that of the body.
const ContentType = "Application/MANSCDP+xml"

// Bounds of what is read.
const (
	// MaxBody is how long a body may be, in bytes.
	MaxBody = 64 << 10
	// MaxItems is how many items one message may have. Devices send catalogs in many messages.
	MaxItems = 512

	maxDepth = 16
	maxText  = 256 // bytes of UTF-8; what is longer is cut
	maxID    = 32
)

// What elements of the root are for.
const (
	Query    = "Query"
	Response = "Response"
	Notify   = "Notify"
)

// Commands of this package.
const (
	Keepalive = "Keepalive"
	Catalog   = "Catalog"
)

// Message is one of them.
type Message struct {
	// Kind is the name of the root: Query, Response, Notify, or another.
	Kind string
	// Command is CmdType.
	Command string
	// SN is the number by which a response belongs to its query.
	SN uint32
	// DeviceID is whom the message is about.
	DeviceID string
	// Status is that of a Keepalive, such as OK.
	Status string
	// Total is SumNum: how many items a catalog has in all its messages.
	Total int
	// Items are those of a catalog. Those without a valid ID are left out.
	Items []Item
}

// Item is an entry of a catalog: a camera, as a rule.
type Item struct {
	ID           string
	Name         string
	Manufacturer string
	Model        string
	Address      string
	ParentID     string
	// Parental is 1 of what has items of its own.
	Parental string
	// Status is ON or OFF.
	Status string
}

// ValidID reports whether a text can be the ID of a device or channel: letters and digits, 20 digits as a rule.
func ValidID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
