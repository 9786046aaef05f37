package api

// Parts are what the endpoints control beyond streams and sessions. Each may be nil.
type Parts struct{}

func (h *Handler) addParts(map[string]func(*call) (reply, error)) {}
