package soc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// argonCost are the parameters of Argon2id.
type argonCost struct {
	time, memory uint32 // passes, KiB
	threads      uint8
}

// standardCost is the second recommended choice of RFC 9106, section 4: three
// passes over 64 MiB in four lanes.
func standardCost() argonCost { return argonCost{time: 3, memory: 64 << 10, threads: 4} }

// hash makes the PHC string of a password: $argon2id$v=19$m=…,t=…,p=…$salt$key.
func (s *Service) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	key, err := s.derive(ctx, password, salt, s.cost)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, s.cost.memory, s.cost.time, s.cost.threads, b64(salt), b64(key)), nil
}

// derive runs Argon2id, at most two at a time; it waits for its turn until ctx ends.
func (s *Service) derive(ctx context.Context, password string, salt []byte, c argonCost) ([]byte, error) {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
		return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, 32), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("soc: password check: %w", ctx.Err())
	}
}

// verify tells whether a password fits its PHC string. An empty string fits
// nothing, and takes as long to say so.
func (s *Service) verify(ctx context.Context, password, phc string) (bool, error) {
	c, salt, want := s.cost, make([]byte, 16), []byte(nil)
	if phc != "" {
		var version int
		var saltText, keyText string
		// Sscanf's %s reads to a blank, so the two texts are cut after.
		if _, err := fmt.Sscanf(phc, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &c.memory, &c.time, &c.threads, &saltText); err != nil {
			return false, fmt.Errorf("soc: stored password hash: %w", err)
		}
		for i := range saltText {
			if saltText[i] == '$' {
				saltText, keyText = saltText[:i], saltText[i+1:]
				break
			}
		}
		var err1, err2 error
		salt, err1 = base64.RawStdEncoding.DecodeString(saltText)
		want, err2 = base64.RawStdEncoding.DecodeString(keyText)
		if err := errors.Join(err1, err2); err != nil {
			return false, fmt.Errorf("soc: stored password hash: %w", err)
		}
	}
	got, err := s.derive(ctx, password, salt, c)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}

// ChangePassword replaces a password after checking the current one, which is
// throttled like a sign-in. Every other session of the account becomes void; it
// returns the user with the new Generation. Errors wrap ErrSignIn, ErrInvalid
// with ErrWeak, or are a *ThrottledError.
func (s *Service) ChangePassword(ctx context.Context, a Attempt, next string) (User, error) {
	a.Name = normal(a.Name)
	if err := checkPassword(a.Name, next); err != nil {
		return User{}, err
	}
	if _, err := s.authenticate(ctx, &a); err != nil {
		return User{}, err
	}
	hash, err := s.hash(ctx, next)
	if err != nil {
		return User{}, err
	}
	var u User
	err = s.db.Update(ctx, func(tx *sql.Tx) (err error) {
		if _, err := tx.ExecContext(ctx, `UPDATE users SET password = ?, generation = generation + 1 WHERE name = ?`, hash, a.Name); err != nil {
			return fmt.Errorf("soc: change password: %w", err)
		}
		u, err = findUser(ctx, tx, a.Name)
		return err
	})
	return u, err
}

// newToken makes a secret of 256 bits and the hash under which it is kept.
func newToken() (token, hash string) {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, hashToken(token)
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
