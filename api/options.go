package api

import (
	"errors"
	"net/http"
	"net/netip"
)

// Options of a [Handler]. All may be changed while it runs, see Handler.SetOptions.
type Options struct {
	// Secret is the key of the API, which every call must give as the parameter or header "secret". When it is empty
	// nobody gets in but clients on the same machine, see LoopbackNeedsSecret, unless NoAuth is set.
	Secret string
	// NoAuth leaves out the check of the secret, for a service that has middleware of its own in front.
	NoAuth bool
	// LoopbackNeedsSecret takes back that a client on the same machine needs no secret. Such a client is one whose
	// peer address and Host are loopback, and whose request no proxy and no page of another origin has made. It is as
	// if set while ForwardedIPHeader is.
	LoopbackNeedsSecret bool
	// AllowIP says who may call at all. Nil allows everyone.
	AllowIP func(netip.Addr) bool
	// ForwardedIPHeader names a header, such as X-Forwarded-For, in which proxies say who their clients are. Empty means
	// that the peer is the client.
	ForwardedIPHeader string
	// TrustedProxy reports whether an address is that of a proxy whose ForwardedIPHeader and X-Forwarded-Proto are
	// believed. Nil trusts nobody, and the header has no effect.
	TrustedProxy func(netip.Addr) bool
	// EnableVHost takes virtual hosts as they are given. Without it the endpoints that name one stream speak of the
	// default virtual host.
	EnableVHost bool
	// NoCORS leaves out the headers that let pages of other origins call.
	NoCORS bool
	// CharSet is that of replies. Empty means utf-8.
	CharSet string
	// MaxBody is the largest body of a request in bytes. 0 means 40960; larger than 1 MiB it cannot be. Over 64 KiB it is
	// read only from who has shown that he may call before: by the query, a header or cookie, or by where he calls from.
	MaxBody int64
	// Legacy answers what is not found as servers before 2022 did, with code -1 instead of -500.
	Legacy bool
	// Debug logs each call, at level debug and never with the secret.
	Debug bool

	// NotFound answers what is no endpoint. Nil means status 404.
	NotFound http.Handler
	// Config is what getServerConfig shows and setServerConfig changes. It may be nil, as may all parts.
	Config ConfigStore
	// Restart restarts the server, a moment later: it must return at once. Its error says why the server goes on as it
	// is, such as a new port that another program has. Nil means that restartServer is refused.
	Restart func() error
	// Version is what the endpoint of that name shows; empty fields are taken from the build information.
	Version Version

	Parts
}

// Version says which build runs.
type Version struct {
	BuildTime  string `json:"buildTime"`
	BranchName string `json:"branchName"`
	CommitHash string `json:"commitHash"`
}

// ConfigStore holds the configuration, flat: section.key to value. Its methods may be called from any goroutine.
type ConfigStore interface {
	// All returns all values.
	All() map[string]string
	// Update changes values, makes them hold, and returns how many there were that differed. Keys that it does not
	// know or that must not be changed it passes over. refused names each value that is none for its key; the others
	// hold. After an error nothing has changed.
	Update(values map[string]string) (changed int, refused []error, err error)
}

const (
	defaultMaxBody = 40960
	largestBody    = 1 << 20
)

var errMaxBody = errors.New("api: Options.MaxBody is negative or over 1 MiB")

func (o *Options) check() error {
	if o.MaxBody < 0 || o.MaxBody > largestBody {
		return errMaxBody
	}
	return nil
}

func (o *Options) maxBody() int64 {
	if o.MaxBody == 0 {
		return defaultMaxBody
	}
	return o.MaxBody
}

func (o *Options) charSet() string {
	if o.CharSet == "" {
		return "utf-8"
	}
	return o.CharSet
}
