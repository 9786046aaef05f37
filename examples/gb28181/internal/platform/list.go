package platform

import (
	"slices"
	"strings"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Device is a device as it is at present.
type Device struct {
	ID string `json:"id"`
	// Address is where it is, Transport UDP or TCP.
	Address   string `json:"address"`
	Transport string `json:"transport"`
	Online    bool   `json:"online"`
	// Since is when it came online last, Seen when it was heard of last, Expires when its registration does.
	Since   time.Time `json:"since"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
	// Channels are its cameras, in the order of their IDs.
	Channels []Channel `json:"channels"`
}

// Channel is a camera, or what else a catalog has.
type Channel struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Status       string `json:"status"`
	// Stream is the app and name to watch it by.
	Stream string `json:"stream"`
	// Playing is whether it sends.
	Playing bool `json:"playing"`
}

// Devices lists them, in the order of their IDs.
func (p *Platform) Devices() []Device {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Device, 0, len(p.devices))
	for _, d := range p.devices {
		x := Device{
			ID: d.id, Address: d.peer.addr.String(), Transport: d.peer.transport, Online: d.online, Since: d.since, Seen: d.seen,
			Expires: d.expires, Channels: make([]Channel, 0, len(d.channels)),
		}
		for _, c := range d.channels {
			name := StreamName(d.id, c.ID)
			_, playing := p.calls[media.StreamKey{App: p.cfg.App, Name: name}.Canonical()]
			x.Channels = append(x.Channels, Channel{
				ID: c.ID, Name: c.Name, Manufacturer: c.Manufacturer, Model: c.Model, Status: c.Status,
				Stream: p.cfg.App + "/" + name, Playing: playing,
			})
		}
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b Device) int { return strings.Compare(a.ID, b.ID) })
	return list
}
