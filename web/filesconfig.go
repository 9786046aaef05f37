package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/internal/docroot"
)

// FilesConfig says what [Files] serve. With the zero value there is nothing.
type FilesConfig struct {
	// Root is the folder whose files are served. It may come and go, but be nothing else; a relative path is one of the working directory.
	Root string
	// Virtual are folders that stand in the root under these names, each a first segment of paths.
	Virtual map[string]string
	// EnableVHost serves, of each of these folders, the folder in it with the name of the virtual host: __defaultVhost__ for
	// addresses and localhost.
	EnableVHost bool
	// ListFolders shows what is in a folder that has no index.html or index.htm. Without it such a folder is not found.
	ListFolders bool
	// NotFoundPage is the page, in HTML, for what is not there. Empty means a plain one.
	NotFoundPage string
	// CharSet is that of the files. Empty means utf-8.
	CharSet string
	// NoStore are the suffixes of names of files that nobody may keep a copy of, such as ".m3u8". Copies of others may be kept, and
	// used when asking again has shown that they are good.
	NoStore []string
	// Made serves what is made rather than kept in a folder, such as a playlist of recordings: requests of which it says so, once who asks
	// may have it. Nil is nothing.
	Made Made
	// AllowIP says who may read files where no hook decides. Nil allows everyone.
	AllowIP func(netip.Addr) bool

	// AllowOrigins, ForwardedIPHeader and TrustedProxy are as in [Config].
	AllowOrigins      []string
	ForwardedIPHeader string
	TrustedProxy      func(netip.Addr) bool
}

// Made serves what is made as it is asked for. record.Library is one. Its methods may be called from several goroutines.
type Made interface {
	// Serves reports whether there is something for a request of GET or HEAD to a virtual host. It does not wait.
	Serves(r *http.Request, vhost string) bool
	// ServeVHost serves it. The RemoteAddr of the request is the address of the client, also where a TrustedProxy has sent it.
	ServeVHost(w http.ResponseWriter, r *http.Request, vhost string)
}

// Folders is what a Made may be besides: it knows where files are that virtual hosts do not have in their folders, such as recordings. It is asked
// if FilesConfig.EnableVHost is set, and what is there goes before what is in the folder of the virtual host. record.Library is one. Its method may
// be called from several goroutines.
type Folders interface {
	// Folder returns the folder of a clean path of a URL, and the path in it, with slashes; false if it knows none. What is hidden in it is not
	// served.
	Folder(vhost, path string) (dir, name string, ok bool)
}

// errVirtual says what is wrong with a config.
var errVirtual = errors.New("web: FilesConfig.Virtual has a name that is no first segment of a path, or no folder for it")

// filesSettings is a FilesConfig with what is made of it.
type filesSettings struct {
	FilesConfig
	web     Config  // what all that is served here has
	folders Folders // nil for none
}

func (c FilesConfig) settings() (*filesSettings, error) {
	var err error
	if c.Root != "" {
		if c.Root, err = folder(c.Root); err != nil {
			return nil, err
		}
	}
	c.Virtual = maps.Clone(c.Virtual)
	for name, dir := range c.Virtual {
		if !docroot.Shown(name) || dir == "" {
			return nil, errVirtual
		}
		if c.Virtual[name], err = folder(dir); err != nil {
			return nil, err
		}
	}
	c.NoStore, c.AllowOrigins = slices.Clone(c.NoStore), slices.Clone(c.AllowOrigins)
	if c.CharSet == "" {
		c.CharSet = "utf-8"
	}
	folders, _ := c.Made.(Folders)
	return &filesSettings{c, Config{
		EnableVHost: c.EnableVHost, AllowOrigins: c.AllowOrigins, ForwardedIPHeader: c.ForwardedIPHeader, TrustedProxy: c.TrustedProxy,
	}, folders}, nil
}

// folder returns the absolute path of a folder, which need not be there yet.
func folder(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return "", fmt.Errorf("web: %s is not a folder", path)
	}
	return path, nil
}

// noStore reports whether nobody may keep a copy of a file.
func (c *FilesConfig) noStore(name string) bool {
	return slices.ContainsFunc(c.NoStore, func(suffix string) bool {
		return suffix != "" && len(name) >= len(suffix) && strings.EqualFold(name[len(name)-len(suffix):], suffix)
	})
}
