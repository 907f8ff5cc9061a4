package caep

import (
	"errors"
	"time"
)

// memory holds the jti of the SETs that were taken, for a time. The lock of the
// Receiver guards it.
type memory struct {
	limit  int
	window time.Duration
	at     map[string]time.Time
	order  []string // oldest first
}

var errMemoryFull = errors.New("caep: MaxRemembered SETs are remembered")

// remembered reports whether a SET was taken before. The error says that another one
// could not be remembered, and so must not be taken.
func (r *Receiver) remembered(jti string, now time.Time) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.forget(now)
	if _, ok := r.seen.at[jti]; ok {
		r.status.Repeated++
		return true, nil
	}
	if len(r.seen.at) >= r.seen.limit {
		return false, errMemoryFull
	}
	return false, nil
}

func (r *Receiver) remember(jti string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen.at[jti]; !ok { // two pushes of it may have come at once
		r.seen.order = append(r.seen.order, jti)
	}
	r.seen.at[jti] = now
}

// forget drops what is too old to pass the check of iat.
func (m *memory) forget(now time.Time) {
	n := 0
	for n < len(m.order) && now.Sub(m.at[m.order[n]]) > m.window {
		delete(m.at, m.order[n])
		n++
	}
	m.order = m.order[n:]
}
