package collector

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Token lets one sender in. One of Token and File is set.
type Token struct {
	Name  string `yaml:"name"`  // whose it is: [a-z0-9-], at most 64 characters
	Token string `yaml:"token"` // 16 to 512 printable ASCII characters, no blank
	File  string `yaml:"file"`  // file that holds it, read at start
}

// token is a Token as it is compared: digests have one length, so that the time
// of comparing tells nothing.
type token struct {
	name   string
	digest [sha256.Size]byte
}

// checkHTTP checks the keys of an HTTP input.
func checkHTTP(in *Input) *problem {
	if len(in.Tokens) == 0 && !loopback(in.host()) {
		return &problem{".listen", fmt.Sprintf("tokens: without one, anybody who reaches %s could write", in.hostport()), "set tokens: [{name: sender, file: sender.token}], or listen on 127.0.0.1"}
	}
	names, values := map[string]bool{}, map[string]bool{}
	for i, t := range in.Tokens {
		at := fmt.Sprintf(".tokens[%d]", i)
		switch {
		case !nameRE.MatchString(t.Name):
			return &problem{at, fmt.Sprintf("tokens: the name %q does not do", t.Name), nameHint}
		case names[t.Name]:
			return &problem{at + ".name", fmt.Sprintf("tokens: %q is there twice", t.Name), "give each sender its own name and token"}
		case (t.Token == "") == (t.File == ""):
			return &problem{at, fmt.Sprintf("tokens: %s needs either token or file", t.Name), "set one of them"}
		case t.Token != "" && !validToken(t.Token):
			return &problem{at + ".token", fmt.Sprintf("tokens: the token of %s does not do", t.Name), tokenHint}
		case t.Token != "" && values[t.Token]:
			return &problem{at + ".token", fmt.Sprintf("tokens: the token of %s is another sender's too", t.Name), "give each sender its own token"}
		}
		names[t.Name], values[t.Token] = true, true
	}
	return nil
}

const tokenHint = "use 16 to 512 printable ASCII characters without a blank, such as those of: openssl rand -hex 32" //nolint:gosec // a hint, no token

func validToken(s string) bool {
	return len(s) >= 16 && len(s) <= 512 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// loadTokens reads the tokens' files.
func loadTokens(in Input) ([]token, error) {
	var out []token
	for _, t := range in.Tokens {
		text := t.Token
		if t.File != "" {
			b, err := os.ReadFile(t.File)
			if err != nil {
				return nil, fmt.Errorf("source %s: token of %s: %w", in.Source, t.Name, err)
			}
			if text = strings.TrimSpace(string(b)); !validToken(text) {
				return nil, fmt.Errorf("source %s: %s holds no token for %s: %s", in.Source, t.File, t.Name, tokenHint)
			}
		}
		out = append(out, token{t.Name, sha256.Sum256([]byte(text))})
	}
	return out, nil
}

// admit checks the request's token. Without any configured, the input listens
// on loopback only; what a web page has a browser send is refused there.
func (in *httpInput) admit(r *http.Request) error {
	if len(in.tokens) == 0 {
		if r.Header.Get("Origin") != "" {
			return errBadToken
		}
		return nil
	}
	given, err := givenToken(r)
	if err != nil {
		return err
	}
	digest, found := sha256.Sum256([]byte(given)), 0
	for i := range in.tokens {
		found |= subtle.ConstantTimeCompare(digest[:], in.tokens[i].digest[:])
	}
	if found == 0 {
		return errBadToken
	}
	return nil
}

// givenToken takes the token from the Authorization header: Bearer, Splunk, or
// the password of Basic.
func givenToken(r *http.Request) (string, error) {
	h := r.Header.Get("Authorization")
	if h == "" {
		return "", errNoToken
	}
	if _, password, ok := r.BasicAuth(); ok {
		return password, nil
	}
	scheme, rest, _ := strings.Cut(h, " ")
	if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "splunk") {
		return "", errBadScheme
	}
	return strings.TrimSpace(rest), nil
}

// host is the host of the listen address.
func (in *Input) host() string {
	u, err := url.Parse(in.Listen)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// peer is the sender's address without the port.
func peer(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}
