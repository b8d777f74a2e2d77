package bus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
)

// TestTheOperatorsFileGivesTheSameRights reads the permissions that the docs
// give to those who run NATS themselves.
func TestTheOperatorsFileGivesTheSameRights(t *testing.T) {
	text, err := os.ReadFile("../../deploy/nats/permissions.conf")
	if err != nil {
		t.Fatal(err)
	}
	col, guest := newKey(t), newKey(t)
	text = []byte(strings.NewReplacer("UPREFECTURE", newKey(t).Public(), "UCOLLECTOR", col.Public(), "UINVITATION", guest.Public(), "INVITATION", "inv").Replace(string(text)))
	path := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(path)
	if err != nil || len(opts.Nkeys) != 3 {
		t.Fatal(opts.Nkeys, err)
	}
	for i, want := range []User{CollectorUser(col.Public(), "312011", "tottori-a"), EnrolUser(guest.Public(), "inv")} {
		got := opts.Nkeys[i+1]
		if d := cmp.Diff(want.permissions(), got.Permissions); d != "" || got.Nkey != want.Public {
			t.Error(d)
		}
	}
}
