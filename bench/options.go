package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parts of a benchmark, in the order they are run.
const (
	partStart   = "start"
	partIdle    = "idle"
	partLoad    = "load"
	partHLS     = "hls"
	partPublish = "publish"
	partReceive = "receive"
	partRecord  = "record"
	partPull    = "pull"
	partSnap    = "snap"
	partSiege   = "siege"
	partStall   = "stall"
	partFreeze  = "freeze"
)

// The protocols.
const (
	protoRTMP    = "rtmp"
	protoFLV     = "flv"
	protoWS      = "ws"
	protoTS      = "ts"
	protoFMP4    = "fmp4"
	protoRTSP    = "rtsp"
	protoRTSPUDP = "rtsp-udp"
	protoRTP     = "rtp"
)

// options is what the command line asks for.
type options struct {
	parts   []string
	protos  []string
	players []int
	merges  []time.Duration // empty: 0 for every protocol, and 300 ms for the first one and RTSP
	rounds  int
	window  time.Duration
	crowd   int // players of the stall part
	viewers int // of the hls part
	streams int // of the publish part, at most
	pulls   int // of the pull part, at most
	cameras int // of the receive part, at most
	frozen  int
	clip    string
	json    string
	server  string
	lax     bool

	// A server that runs already, and what to play of it.
	pid int
	url string
}

func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	parts := f.String("parts", "start,idle,load,hls,publish,receive,record,pull,snap,siege,stall,freeze", "what to measure")
	protos := f.String("proto", "rtmp,flv,ws,ts,fmp4,rtsp,rtsp-udp,rtp", "protocols of the load part; publish uses rtmp and rtsp of them, the others the first")
	players := f.String("n", "500", "players of the load part, a list")
	merges := f.String("merge", "", "merge windows of the load part in ms, a list (empty: 0, and 300 for the first protocol and rtsp)")
	f.IntVar(&o.rounds, "rounds", 3, "how often the load and snap parts are repeated")
	f.DurationVar(&o.window, "t", 10*time.Second, "length of each measurement")
	f.IntVar(&o.crowd, "crowd", 2000, "players of the stall part")
	f.IntVar(&o.viewers, "viewers", 300, "viewers of the hls part")
	f.IntVar(&o.streams, "streams", 200, "publishers of the publish and record parts, after a quarter and a half of them")
	f.IntVar(&o.pulls, "pulls", 1000, "pulls of the pull part, after a quarter and a half of them")
	f.IntVar(&o.cameras, "receivers", 500, "receivers of the receive part, after a quarter and a half of them")
	f.IntVar(&o.frozen, "freeze", 1, "players of the freeze part that stop reading")
	f.StringVar(&o.clip, "clip", "", "FLV clip to publish (empty: made with ffmpeg once and kept in the cache folder)")
	f.StringVar(&o.json, "json", "", "file for all figures of all runs")
	f.StringVar(&o.server, "server", "", "server command line; {config} is its config.ini (empty: build the example server)")
	f.BoolVar(&o.lax, "lax", false, "accept equal stamps within a track")
	f.IntVar(&o.pid, "pid", 0, "measure a server that runs already, load part only; needs -url and one -proto")
	f.StringVar(&o.url, "url", "", "what to play of that server; it must be published already")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, o.complete(*parts, *protos, *players, *merges)
}

// complete reads the lists and checks them.
func (o *options) complete(parts, protos, players, merges string) error {
	o.parts, o.protos = list(parts), list(protos)
	known := []string{partStart, partIdle, partLoad, partHLS, partPublish, partReceive, partRecord, partPull, partSnap, partSiege, partStall, partFreeze}
	if err := oneOf("-parts", o.parts, known); err != nil {
		return err
	}
	if err := oneOf("-proto", o.protos, []string{protoRTMP, protoFLV, protoWS, protoTS, protoFMP4, protoRTSP, protoRTSPUDP, protoRTP}); err != nil {
		return err
	}
	counts, err := numbers("-n", players)
	if err != nil {
		return err
	}
	o.players = counts
	windows, err := numbers("-merge", merges)
	if err != nil {
		return err
	}
	for _, ms := range windows {
		o.merges = append(o.merges, time.Duration(ms)*time.Millisecond)
	}
	return o.check()
}

func (o *options) check() error {
	switch {
	case len(o.protos) == 0 || len(o.players) == 0 || slices.Min(o.players) < 1:
		return errors.New("at least one protocol and one player are needed")
	case o.rounds < 1 || o.crowd < 1 || o.viewers < 1 || o.streams < 4 || o.pulls < 4 || o.cameras < 4 || o.frozen < 1 || o.window <= 0:
		return errors.New("-rounds, -crowd, -viewers, -freeze and -t must be positive, -streams, -pulls and -receivers at least 4")
	case o.pid == 0 && o.url == "":
		return nil
	case o.pid == 0 || o.url == "" || len(o.protos) != 1 || len(o.merges) > 1 || o.server != "":
		return errors.New("-pid and -url go together, with one -proto, at most one -merge, and no -server")
	}
	o.parts = []string{partLoad}
	if len(o.merges) == 0 {
		o.merges = []time.Duration{0}
	}
	return nil
}

// serverCommand returns the server's command line; of a server that runs already, one that is never used.
func (o *options) serverCommand() []string {
	if o.pid != 0 {
		return []string{"-"}
	}
	return strings.Fields(o.server)
}

// cells lists protocol, players and merge window of each row of the load part.
func (o *options) cells() []cell {
	var out []cell
	for i, proto := range o.protos {
		for _, n := range o.players {
			merges := o.merges
			if len(merges) == 0 {
				merges = []time.Duration{0}
				if i == 0 || proto == protoRTSP {
					merges = append(merges, 300*time.Millisecond)
				}
			}
			for _, merge := range merges {
				out = append(out, cell{proto, n, merge})
			}
		}
	}
	return out
}

// published lists the protocols of the publish part.
func (o *options) published() []string {
	var out []string
	for _, proto := range o.protos {
		if proto == protoRTMP || proto == protoRTSP {
			out = append(out, proto)
		}
	}
	return out
}

// freezing returns the protocol of the freeze part: the first in which a player that does not read holds anything up.
func (o *options) freezing() string {
	for _, proto := range o.protos {
		if proto != protoRTSPUDP && proto != protoRTP {
			return proto
		}
	}
	return ""
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func numbers(name, s string) ([]int, error) {
	var out []int
	for _, item := range list(s) {
		n, err := strconv.Atoi(item)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%s: %q is no number", name, item)
		}
		out = append(out, n)
	}
	return out, nil
}

func oneOf(name string, items, known []string) error {
	for _, item := range items {
		if !slices.Contains(known, item) {
			return fmt.Errorf("%s: %q is none of %s", name, item, strings.Join(known, ", "))
		}
	}
	return nil
}
