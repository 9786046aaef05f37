package golden

import (
	"encoding/json"
	"os"
)

// Hook is a capture of the requests that a web hook made.
type Hook struct {
	Hook     string    `json:"hook"`
	Note     string    `json:"note"`
	Requests []Request `json:"requests"`
}

// Request is one of them.
type Request struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    map[string]any    `json:"body"`
}

// LoadHook reads a capture.
func LoadHook(path string) (*Hook, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	h := &Hook{}
	return h, json.Unmarshal(text, h)
}
