package tokencache_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/tokencache"
)

// Which mark a token has depends on the processor and on FIPS 140-3 mode, which does
// not approve AES-GCM with a nonce that the caller has chosen.
func TestNew_kindOfMark(t *testing.T) {
	size := 2 + 16
	if !tokencache.HasCLMUL() || fips140.Enabled() {
		size = 2 + sha256.Size
	}
	c := tokencache.New[string](10, 1<<20)
	if mark, _ := c.Mark("token"); len(mark) != size {
		t.Errorf("a mark has %d bytes, want %d", len(mark), size)
	}
	mark, _ := tokencache.NewSHA256[string](10, 1<<20).Mark("token")
	if want := fmt.Sprintf("\x05\x00%s", sha256.Sum256([]byte("token"))); mark != want {
		t.Errorf("without GHASH the mark is %x, want the length and SHA-256, %x", mark, want)
	}
}

// Linux tells what the processor has, too.
func TestHasCLMUL(t *testing.T) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || runtime.GOARCH != "amd64" {
		t.Skip("not Linux on amd64")
	}
	words := strings.Fields(string(info))
	want := slices.Contains(words, "aes") && slices.Contains(words, "pclmulqdq")
	if got := tokencache.HasCLMUL(); got != want && !built("purego") {
		t.Errorf("%v, but Linux says %v", got, want)
	}
}

// built reports whether the test was built with that tag.
func built(tag string) bool {
	info, _ := debug.ReadBuildInfo()
	return slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool {
		return s.Key == "-tags" && slices.Contains(strings.Split(s.Value, ","), tag)
	})
}

// Where NewGCM refuses, there must be the other kind of tag. That it does so in
// FIPS 140-only mode is for the run of all tests in that mode to show.
func TestNew_gcmIsRefusedWhereItMustBe(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cipher.NewGCM(block); (err != nil) != fips140.Enforced() {
		t.Errorf("NewGCM: %v, while FIPS 140-3 is enforced: %v", err, fips140.Enforced())
	}
}

// The key and the nonce of each cache are its own.
func TestNew_freshKey(t *testing.T) {
	if !tokencache.HasCLMUL() || fips140.Enabled() {
		t.Skip("SHA-256 has no key")
	}
	seen := map[string]bool{}
	for range 100 {
		c := tokencache.New[string](1, 1<<20)
		mark, _ := c.Mark("token")
		if seen[mark] {
			t.Fatal("two caches have the same tag for a token")
		}
		seen[mark] = true
		if again, _ := c.Mark("token"); again != mark {
			t.Fatal("a token has two tags in one cache")
		}
	}
	// The key differs too, and not only the nonce, which all tags of a cache have
	// in common: it is gone from the difference of two of them.
	differences := map[string]bool{}
	for range 100 {
		c := tokencache.New[string](1, 1<<20)
		a, _ := c.Mark("one")
		b, _ := c.Mark("two")
		difference := make([]byte, len(a))
		for i := range a {
			difference[i] = a[i] ^ b[i]
		}
		differences[string(difference)] = true
	}
	if len(differences) != 100 {
		t.Errorf("100 caches have %d keys", len(differences))
	}
}

// Each bit of the mark is compared: of the tag and of the length.
func TestCache_wholeMarkCounts(t *testing.T) {
	both(t, func(t *testing.T, empty func(int) cache) {
		c := empty(10)
		known := strings.Repeat("x", 1000)
		c.add(known)
		mark, _ := c.Mark(known)
		for i := range len(mark) {
			for bit := range 8 {
				c.Damage(known, i, 1<<bit)
				if _, ok := c.find(known); ok {
					t.Errorf("byte %d of the mark, bit %d: it does not count", i, bit)
				}
				c.Damage(known, i, 1<<bit) // which puts it right
			}
		}
		if _, ok := c.find(known); !ok {
			t.Error("the test does not put right what it has changed")
		}
		if !strings.HasPrefix(mark, "\xe8\x03") { // 1000
			t.Errorf("the mark %x does not begin with the length", mark)
		}
	})
}

// What a mark was made of does not stay behind.
func TestCache_keepsNoToken(t *testing.T) {
	both(t, func(t *testing.T, empty func(int) cache) {
		if _, left := empty(10).Mark("secret"); strings.Trim(left, "\x00") != "" {
			t.Errorf("the memory in which a mark was made still has %q", left)
		}
	})
}

// Finding a token allocates nothing.
func TestCache_allocations(t *testing.T) {
	both(t, func(t *testing.T, empty func(int) cache) {
		c := empty(10)
		known, other := strings.Repeat("x", 1200), strings.Repeat("y", 1200)
		c.Add(known, "text", "known")
		if n := testing.AllocsPerRun(100, func() { c.Find(known); c.Find(other) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
