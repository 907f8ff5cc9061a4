package cognitoalb

// Remembered is how many keys and how many unknown kids v remembers.
func (v *Verifier) Remembered() (known, absent int) {
	for _, r := range v.keys {
		r.mu.Lock()
		known, absent = known+len(r.known), absent+len(r.absent)
		r.mu.Unlock()
	}
	return known, absent
}
