package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/media"
)

// endpoints says what serves each endpoint, by name. Those of the table that are missing here belong to parts that
// this library does not have: they check their arguments and are not enabled.
func (h *Handler) endpoints() map[string]serveFunc {
	all := map[string]serveFunc{
		"getApiList":         h.getAPIList,
		"getMediaList":       h.getMediaList,
		"getMediaInfo":       h.getMediaInfo,
		"isMediaOnline":      h.isMediaOnline,
		"close_stream":       h.closeStream,
		"close_streams":      h.closeStreams,
		"getMediaPlayerList": h.getMediaPlayerList,
		"broadcastMessage":   h.broadcastMessage,
		"getAllSession":      h.getAllSession,
		"kick_session":       h.kickSession,
		"kick_sessions":      h.kickSessions,
		"getServerConfig":    h.getServerConfig,
		"setServerConfig":    h.setServerConfig,
		"getThreadsLoad":     h.getThreadsLoad,
		"getWorkThreadsLoad": h.getWorkThreadsLoad,
		"getStatistic":       h.getStatistic,
		"restartServer":      h.restartServer,
		"version":            h.version,
		"login":              h.login,
		"logout":             h.logout,
	}
	h.addParts(all)
	return all
}

func (h *Handler) getAPIList(*call) (reply, error) { return reply{"data": h.paths()}, nil }

func (h *Handler) getServerConfig(c *call) (reply, error) {
	store := h.options().Config
	if store == nil {
		return nil, c.errNotEnabled()
	}
	return reply{"data": []map[string]string{store.All()}}, nil
}

// setServerConfig changes what is named by section.key.
func (h *Handler) setServerConfig(c *call) (reply, error) {
	store := h.options().Config
	if store == nil {
		return nil, c.errNotEnabled()
	}
	values := map[string]string{}
	for lower, name := range c.args.names {
		if strings.Contains(name, ".") {
			values[name] = c.args.values[lower]
		}
	}
	before := store.All()
	changed, refused, err := store.Update(values)
	if err != nil {
		return nil, BadArgument(err.Error())
	}
	if changed > 0 {
		h.log.Info("configuration changed over the API", "keys", differing(before, store.All()), "peer", c.request.RemoteAddr)
	}
	out := reply{"changed": changed}
	if len(refused) > 0 {
		out["msg"] = errors.Join(refused...).Error()
	}
	return out, nil
}

// differing names the keys whose values differ. The values are nobody's business: some are secrets.
func differing(a, b map[string]string) string {
	var keys []string
	for key, value := range b {
		if a[key] != value {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// threadLoad is an entry of getThreadsLoad.
type threadLoad struct {
	Name    string `json:"name"`
	Load    int    `json:"load"`  // per cent
	Delay   int64  `json:"delay"` // ms
	FDCount int    `json:"fd_count"`
}

// getThreadsLoad shows the loops that write to the players: their busy share, and how long a picture waited for
// them at most. Connections are not bound to a loop, so each is shown with its share.
func (h *Handler) getThreadsLoad(*call) (reply, error) {
	loads, peers := h.media.Loads(), 0
	for x := range h.media.Sessions() {
		if x.Info().Remote.IsValid() {
			peers++
		}
	}
	var out []threadLoad
	for i, l := range loads {
		out = append(out, threadLoad{
			Name: l.Name, Load: int(math.Round(l.Busy * 100)), Delay: l.Late.Milliseconds(),
			FDCount: (peers + len(loads) - 1 - i) / len(loads),
		})
	}
	return reply{"data": out}, nil
}

// getWorkThreadsLoad shows the decisions and observations of hooks that run at present: what is not media.
func (h *Handler) getWorkThreadsLoad(*call) (reply, error) {
	w := h.media.Workers()
	return reply{"data": []threadLoad{{
		Name: "hooks", Load: int(math.Round(w.Busy * 100)), Delay: w.Late.Milliseconds(), FDCount: 0,
	}}}, nil
}

func (h *Handler) getStatistic(*call) (reply, error) { return reply{"data": Statistic(h.media)}, nil }

// Statistic counts the objects of a server, by the names of the original: what getStatistic shows and
// on_server_keepalive sends. What there is none of here is 0.
func Statistic(m *media.Server) map[string]int64 {
	counts := map[string]int64{}
	for _, name := range []string{
		"Buffer", "BufferLikeString", "BufferList", "BufferRaw", "Frame", "FrameImp", "MediaSource",
		"MultiMediaSourceMuxer", "RtmpPacket", "RtpPacket", "Socket", "TcpClient", "TcpServer", "TcpSession",
		"UdpServer", "UdpSession",
	} {
		counts[name] = 0
	}
	for st := range m.Streams() {
		counts["MultiMediaSourceMuxer"]++
		counts["MediaSource"] += int64(len(st.Schemas()))
	}
	for x := range m.Sessions() {
		if x.Info().Remote.IsValid() {
			counts["Socket"]++
			counts[map[string]string{"tcp": "TcpSession", "udp": "UdpSession"}[transport(x.Info())]]++
		}
	}
	return counts
}

func (h *Handler) restartServer(c *call) (reply, error) {
	restart := h.options().Restart
	if restart == nil {
		return nil, c.errNotEnabled()
	}
	if err := restart(); err != nil {
		return nil, &Error{Code: codeFailed, Msg: "the server goes on as it is: " + err.Error()}
	}
	return reply{"msg": "the server restarts in a moment"}, nil
}

func (h *Handler) version(*call) (reply, error) {
	v := h.options().Version
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.CommitHash = firstOf(v.CommitHash, s.Value)
			case "vcs.time":
				v.BuildTime = firstOf(v.BuildTime, s.Value)
			}
		}
		v.BranchName = firstOf(v.BranchName, info.Main.Version)
	}
	return reply{"data": Version{
		BuildTime: firstOf(v.BuildTime, "unknown"), BranchName: firstOf(v.BranchName, "unknown"),
		CommitHash: firstOf(v.CommitHash, fmt.Sprintf("unknown (%s)", runtime.Version())),
	}}, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// fields makes the members of an object those of a reply.
func fields(object any) (reply, error) {
	b, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	out := reply{}
	return out, json.Unmarshal(b, &out)
}
