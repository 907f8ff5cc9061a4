// Package kit has a condition that is nobody's.
package kit

import "errors"

func Check(s string) error {
	if s == "kit" {
		return errors.New("kit")
	}
	return nil
}
