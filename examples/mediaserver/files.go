package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/web"
)

// filesConfig is the part of the configuration that the file server acts on.
func filesConfig(cfg *config.Config, made web.Made) (web.FilesConfig, error) {
	virtual, err := virtualFolders(cfg.String("http.virtualPath"))
	return web.FilesConfig{
		Root:              cfg.String("http.rootPath"),
		Virtual:           virtual,
		EnableVHost:       cfg.Bool("general.enableVhost"),
		ListFolders:       cfg.Bool("http.dirMenu"),
		NotFoundPage:      cfg.String("http.notFound"),
		CharSet:           cfg.String("http.charSet"),
		NoStore:           split(cfg.String("http.forbidCacheSuffix"), ","),
		Made:              made,
		AllowIP:           config.IPFilter(cfg.String("http.allow_ip_range")),
		AllowOrigins:      allowedOrigins(cfg),
		ForwardedIPHeader: cfg.String("http.forwarded_ip_header"),
		TrustedProxy:      trustedProxy(cfg),
	}, err
}

// virtualFolders reads a list such as "name,folder;name,folder".
func virtualFolders(list string) (map[string]string, error) {
	folders := map[string]string{}
	for _, entry := range split(list, ";") {
		name, folder, ok := strings.Cut(entry, ",")
		name, folder = strings.Trim(strings.TrimSpace(name), "/"), strings.TrimSpace(folder)
		if !ok || name == "" || folder == "" || strings.ContainsAny(name, `/\`) || name[0] == '.' {
			return nil, fmt.Errorf("http.virtualPath: %.100q is not of the form name,folder", entry)
		}
		folders[name] = folder
	}
	return folders, nil
}

// split returns the parts of a list that are not empty.
func split(list, separator string) (parts []string) {
	for part := range strings.SplitSeq(list, separator) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// allowedOrigins are those whose pages may play and read files.
func allowedOrigins(cfg *config.Config) []string {
	if cfg.Bool("http.allow_cross_domains") {
		return []string{"*"}
	}
	return nil
}

// serveRest serves what is no stream and no call: the page, or a file.
func (s *server) serveRest(page http.Handler, isPage func(path string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPage(r.URL.Path) {
			page.ServeHTTP(w, r)
			return
		}
		s.files.ServeHTTP(w, r)
	})
}
