package revocation

import "time"

// Status is the state of a [List], for metrics and for a page of an operator. It
// names no ID.
type Status struct {
	// Loaded is when the last snapshot was complete; zero before the first.
	Loaded time.Time
	// Staleness is how old the list may be, and Trusted whether Revoked answers.
	Staleness time.Duration
	Trusted   bool
	// Entries counts by kind what the list holds; what has ended leaves it within a
	// minute.
	Entries map[Kind]int
	// Unwritten counts entries that the store is not known to have. It is above zero
	// for a few seconds after a snapshot or a revocation.
	Unwritten int
	// Gaps counts how often records were gone from the store, Healed the entries
	// written because the store had lost them, and WentOn the answers that only
	// DangerouslyGoOnFor allowed.
	Gaps, Healed, WentOn uint64
	// Failures counts failed calls of the store. LastError is the last one's, also
	// after the store is back.
	Failures  uint64
	LastError error
	// Unknown counts records that were not understood or did not fit, and
	// UnknownError says why the last one was not.
	Unknown      uint64
	UnknownError error
}

// Status returns the state of the list.
func (l *List) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.state
	st := Status{
		Loaded: s.loaded, Entries: map[Kind]int{}, Unwritten: l.lists.unseen,
		Gaps: s.gaps, Healed: s.healed, WentOn: l.wentOn.Load(),
		Failures: s.failures, LastError: s.lastError,
		Unknown: s.unknown, UnknownError: s.unknownError,
	}
	for k := Token; k < kinds; k++ {
		if n := l.lists.count[k]; n > 0 {
			st.Entries[k] = n
		}
	}
	if fresh := l.fresh.Load(); fresh != 0 {
		st.Staleness = l.now().Sub(l.start) - time.Duration(fresh)
		st.Trusted = st.Staleness <= l.bound+l.goOn
	}
	return st
}
