package api

import (
	"cmp"
	"net/http"
	"net/netip"
	"slices"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/internal/zlmjson"
	"github.com/sluice-media/sluice/media"
)

// session is an entry of getAllSession.
type session struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	TypeID string `json:"typeid"`
	zlmjson.SockInfo
}

func newSession(x hook.Session) session {
	return session{ID: x.ID, Type: transport(x), TypeID: typeID(x), SockInfo: zlmjson.NewSockInfo(x)}
}

// transport is what carries a session's requests.
func transport(x hook.Session) string {
	if x.Protocol == "udp" || x.Protocol == "srt" || x.Protocol == "rtc" {
		return "udp"
	}
	return "tcp"
}

// matching lists the sessions of peers that match the filters of a call. What publishes or plays inside this process
// has no peer, and is none in the original either.
func (h *Handler) matching(a *arguments) []*media.Session {
	var list []*media.Session
	for x := range h.media.Sessions() {
		if x.Info().Remote.IsValid() && matchesSession(a, x.Info()) {
			list = append(list, x)
		}
	}
	return list
}

func matchesSession(a *arguments, x hook.Session) bool {
	port, ip := a.uint("local_port", 1<<16-1), a.get("peer_ip")
	return (port == 0 || port == uint64(x.Local.Port())) && (ip == "" || ip == zlmjson.IP(x.Remote))
}

func (h *Handler) getAllSession(c *call) (reply, error) {
	var sessions []session
	for _, x := range h.matching(&c.args) {
		sessions = append(sessions, newSession(x.Info()))
	}
	if own := caller(c.request); matchesSession(&c.args, own) {
		sessions = append(sessions, newSession(own))
	}
	slices.SortFunc(sessions, func(a, b session) int { return cmp.Compare(a.ID, b.ID) })
	return list(reply{}, sessions), nil
}

// caller is the connection a call comes by, which the original lists as well.
func caller(r *http.Request) hook.Session {
	x := hook.Session{ID: "api-" + r.RemoteAddr, Protocol: "http", Remote: forwarded.Peer(r)}
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(interface{ AddrPort() netip.AddrPort }); ok {
		x.Local = netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), a.AddrPort().Port())
	}
	return x
}

func (h *Handler) kickSession(c *call) (reply, error) {
	x, ok := h.media.Session(c.args.get("id"))
	if !ok {
		return nil, &Error{Code: codeFailed, Msg: "can not find the target"}
	}
	x.Kick(media.ErrKicked)
	return reply{}, nil
}

func (h *Handler) kickSessions(c *call) (reply, error) {
	sessions := h.matching(&c.args)
	for _, x := range sessions {
		x.Kick(media.ErrKicked)
	}
	return reply{"count_hit": len(sessions)}, nil
}
