package media

// playerList links the players of a stream: in the players themselves, so that the stream keeps nothing of those that
// have left. It is guarded by the stream's mutex.
type playerList struct{ first *Player }

func (l *playerList) add(p *Player) {
	if l.first != nil {
		l.first.previous = p
	}
	p.next, l.first = l.first, p
}

func (l *playerList) remove(p *Player) {
	switch {
	case p.previous != nil:
		p.previous.next = p.next
	case l.first == p:
		l.first = p.next
	}
	if p.next != nil {
		p.next.previous = p.previous
	}
	p.previous, p.next = nil, nil
}

// Players returns who plays the stream at present, in no order.
func (st *Stream) Players() []*Player {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.listPlayers()
}

// listPlayers lists the players. st.mu is held.
func (st *Stream) listPlayers() []*Player {
	list := make([]*Player, 0, st.countReaders())
	for p := st.players.first; p != nil; p = p.next {
		list = append(list, p)
	}
	return list
}

// traffic is what went to the player, since it began.
func (p *Player) traffic() (sent, skipped uint64) {
	return p.session.sent.Load() - p.sent, p.session.skipped.Load() - p.skipped
}

// Traffic returns what has passed through the stream: Received are bytes of media, Sent the bytes that went to its
// players and Skipped the packets that were passed over for them, those that have left counted in; Lost is what its
// publisher tells.
func (st *Stream) Traffic() Traffic {
	st.mu.Lock()
	all, players := st.left, st.listPlayers()
	all.Received = st.counters.bytes
	if st.last != nil {
		all.Lost = st.last.session.Lost()
	}
	st.mu.Unlock()
	for _, p := range players { // what leaves meanwhile is counted here
		sent, skipped := p.traffic()
		all.Sent += sent
		all.Skipped += skipped
	}
	return all
}
