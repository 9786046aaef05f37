package media

// Traffic is what has passed through sessions.
type Traffic struct {
	// Received and Sent are bytes on the wire.
	Received, Sent uint64
	// Skipped counts packets passed over for players that read too slowly, Lost those lost on the way.
	Skipped, Lost uint64
}

func (t *Traffic) add(x *Session) {
	received, sent := x.Bytes()
	t.Received += received
	t.Sent += sent
	t.Skipped += x.Skipped()
	t.Lost += x.Lost()
}

// Traffic returns what has passed through all sessions there are and have been.
func (s *Server) Traffic() Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.past
	for x := range s.sessions.Values() {
		all.add(x)
	}
	return all
}
