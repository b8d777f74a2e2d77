package bus

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// User may connect with an NKey, publish to some subjects, and hear its own
// inbox and some subjects; nothing else.
type User struct {
	Public    string
	Publish   []string
	Subscribe []string
}

// same tells whether both have the same key and the same rights.
func (u User) same(v User) bool {
	return u.Public == v.Public && slices.Equal(u.Publish, v.Publish) && slices.Equal(u.Subscribe, v.Subscribe)
}

// permissions lets a user publish its subjects and hear the answers. An empty
// list would mean everything, so it names a subject that nobody uses.
func (u User) permissions() *server.Permissions {
	publish := u.Publish
	if len(publish) == 0 {
		publish = []string{"nothing"}
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: publish},
		Subscribe: &server.SubjectPermission{Allow: append([]string{inbox(u.Public) + ".>"}, u.Subscribe...)},
	}
}

// inboxes begins every reply subject.
const inboxes = "_INBOX."

// inbox is the private reply prefix of a key, so that nobody hears another's answers.
func inbox(public string) string { return inboxes + public }

// door lets in who proves a key that is listed. The server has lists of its
// own, but to change one reloads the whole server: that turns away who is just
// connecting, and reads what a client says while it says it.
type door struct {
	owner string // has all rights
	users atomic.Pointer[map[string]User]
}

// admit replaces the list and returns the one before.
func (d *door) admit(users []User) (before map[string]User) {
	next := make(map[string]User, len(users))
	for _, u := range users {
		next[u.Public] = u
	}
	if old := d.users.Swap(&next); old != nil {
		before = *old
	}
	return before
}

// Check implements server.Authentication: the client must have signed the nonce
// that the server gave it.
func (d *door) Check(c server.ClientAuthentication) bool {
	public := c.GetOpts().Nkey
	user, ok := (*d.users.Load())[public]
	if !ok && public != d.owner || !signed(public, c.GetNonce(), c.GetOpts().Sig) {
		return false
	}
	var rights *server.Permissions
	if public != d.owner {
		rights = user.permissions()
	}
	c.RegisterUser(&server.User{Permissions: rights})
	return true
}

// signed tells whether the key's owner signed the nonce; the signature is in
// Base64, with the URL's alphabet or the common one, as NATS clients send it.
func signed(public string, nonce []byte, signature string) bool {
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		sig, err = base64.StdEncoding.DecodeString(signature)
	}
	if err != nil || len(nonce) == 0 {
		return false
	}
	key, err := nkeys.FromPublicKey(public)
	return err == nil && key.Verify(nonce, sig) == nil
}

// SetUsers replaces who may connect from outside. Those no longer listed are
// cut off at once; those whose rights have changed too, and may come again.
// Nobody else notices.
func (s *Server) SetUsers(users []User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.door.admit(users)
	now := *s.door.users.Load()
	// A client's key is known before the door looks at it: whoever was let in by
	// the list before is found here.
	open, err := s.ns.Connz(&server.ConnzOptions{Username: true, Limit: math.MaxInt})
	if err != nil {
		return fmt.Errorf("bus: users: %w", err)
	}
	for _, c := range open.Conns {
		public := c.AuthorizedUser
		if public == "" || public == s.owner.Public() {
			continue
		}
		if u, ok := now[public]; !ok || !u.same(before[public]) {
			_ = s.ns.DisconnectClientByID(c.Cid) // an error means that it has gone by itself
		}
	}
	return nil
}
