package cognitoauth

// This file holds what the library knows of AWS: its partitions, and the form
// of pool IDs and issuers.

import (
	"regexp"
	"strings"
)

// partitions are the partitions of AWS: which regions each has, and the host
// suffix of its endpoints.
var partitions = []struct {
	region *regexp.Regexp
	suffix string
}{
	{regexp.MustCompile(`^(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]+$`), "amazonaws.com"},
	{regexp.MustCompile(`^us-gov-[a-z]+-[0-9]+$`), "amazonaws.com"},
	{regexp.MustCompile(`^cn-[a-z]+-[0-9]+$`), "amazonaws.com.cn"},
	{regexp.MustCompile(`^eusc-[a-z]+-[a-z]+-[0-9]+$`), "amazonaws.eu"},
}

// partition returns the index of a region's partition, -1 if there is none.
func partition(region string) int {
	for i, p := range partitions {
		if p.region.MatchString(region) {
			return i
		}
	}
	return -1
}

var (
	poolID       = regexp.MustCompile(`^([a-z0-9-]+)_[0-9a-zA-Z]+$`)
	identityPool = regexp.MustCompile(`^[a-z0-9-]+:[0-9a-fA-F-]{36}$`)
)

// knownPool reports whether s is the ID of a pool in one of the partitions.
func knownPool(s string) bool {
	m := poolID.FindStringSubmatch(s)
	return m != nil && len(s) <= maxPoolIDBytes && partition(m[1]) >= 0
}

// userPool returns the region and the pool ID in an issuer of AWS, in either
// form. Both are "" for another issuer.
func userPool(iss string) (region, id string) {
	host, id, _ := strings.Cut(strings.TrimPrefix(iss, "https://"), "/")
	host, found := strings.CutPrefix(strings.TrimPrefix(host, "issuer-"), "cognito-idp.")
	region, suffix, _ := strings.Cut(host, ".")
	if i := partition(region); !found || i < 0 || partitions[i].suffix != suffix || !knownPool(id) {
		return "", ""
	}
	return region, id
}
