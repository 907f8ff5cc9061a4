package cognitoalb

// Remembered is how many keys and how many unknown kids v remembers.
func (v *Verifier) Remembered() (known, absent int) {
	v.keys.mu.Lock()
	defer v.keys.mu.Unlock()
	return len(v.keys.known), len(v.keys.absent)
}
