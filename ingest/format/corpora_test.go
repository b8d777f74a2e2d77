package format

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/testkit"
)

// scored are the products of the parser corpus that formats are written for.
var scored = []string{
	"Fortinet/fortigate", "Fortinet/fortiproxy", "Fortinet/fortimail", "Palo Alto Networks/paloalto-ngfw", "Cisco/cisco-secure-firewall", "Cisco/cisco-ios",
	"Checkpoint/checkpoint", "Juniper/juniper-ngfw", "SonicWall/sonicwall-fw", "Sophos/sophos firewall", "WatchGuard/watchguard-firebox", "Netfilter/netfilter",
	"OpenBSD/openbsd-packet-filter", "Squid/squid", "Zscaler/zscaler-zia", "Broadcom/edge-secure-web-gateway", "Apache/apache", "NGINX/nginx",
	"Microsoft/microsoft-iis", "HAProxy/haproxy", "Postfix/postfix", "Windows/windows", "Beats/winlogbeat", "Beats/auditbeat", "OpenSSH/openssh",
	"OpenLDAP/openldap", "FreeRADIUS/freeradius", "Trend Micro/trend-micro-apex-one", "Trend Micro/deep-security", "Broadcom/symantec-endpoint-protection",
	"Microsoft/microsoft-365-defender", "CrowdStrike/crowdstrike_falcon", "Suricata/suricata", "BIND/bind", "Unbound/unbound", "ISC DHCP/dhcpd",
	"AWS/aws-cloudtrail", "AWS/aws-flow-logs", "AWS/aws-guardduty", "Azure/azure-ad", "Office 365/o365", "Google Cloud/google-report", "CEF/cef",
}

// own are the formats whose lines a system of loghub holds; any other system's
// lines are foreign to all formats.
var own = map[string][]string{"Apache": {"apache-error"}, "OpenSSH": {"sshd", "linux-auth"}, "Linux": {"sshd", "linux-auth", "sudo", "ftpd", "linux-kernel", "linux-cron"}}

// share counts lines and those of them that a bound is about.
type share struct{ lines, of int }

func (s *share) count(is bool) {
	s.lines++
	if is {
		s.of++
	}
}

func (s *share) check(t *testing.T, what string, per, bound int) {
	t.Helper()
	t.Logf("%s: %d of %d lines", what, s.of, s.lines)
	if s.lines == 0 || s.of*per > s.lines*bound {
		t.Errorf("%s: %d of %d lines, at most %d of %d are allowed", what, s.of, s.lines, bound, per)
	}
}

// record is a line of any of the corpora.
type record struct {
	Vendor, Product, Source, Member string
	Raw, Event                      json.RawMessage
}

// line is what a device sent: text, or an object as it stands.
func (r *record) line() string {
	raw := slices.Concat(r.Raw, r.Event) // one of them
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// answered reads a line and sees to it that nothing of it is lost.
func answered(t *testing.T, p *Parser, x *event.Builder, in Input) Result {
	x.Reset()
	res := p.Parse(in, x)
	_, quarantined := x.Get(p.fields.quarant)
	if x.Str(p.fields.original) != in.Line || x.Str(p.fields.kind) == "" || res.Format == "" && res.Reason == "" || quarantined != (res.Reason != "") {
		t.Errorf("%+v for %.200q", res, in.Line)
	}
	return res
}

// alone tells whether a test has a process to itself, and else runs it in one:
// the fields that whole corpora bring would fill the registry for other tests.
func alone(t *testing.T) bool {
	t.Helper()
	const name = "MIMAMORI_TEST_ALONE"
	testkit.Corpora(t)
	if os.Getenv(name) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", fmt.Sprintf("-test.short=%v", testing.Short()))
	cmd.Env = append(os.Environ(), name+"=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
	return false
}

func TestEveryLineOfTheCorporaIsAnswered(t *testing.T) {
	if !alone(t) {
		return
	}
	p, x := builtinSet(t).Parser(Options{Location: time.UTC}), &event.Builder{}
	each := func(name string, do func(r *record)) {
		n := 0
		corpus(t, name, func(b []byte) {
			if n++; testing.Short() && n > 20000 {
				return
			}
			r := &record{}
			if err := json.Unmarshal(b, r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			do(r)
		})
	}
	var known share
	each("parsers/sekoia-intake.jsonl.gz", func(r *record) {
		res := answered(t, p, x, Input{Line: r.line()})
		if slices.Contains(scored, r.Vendor+"/"+r.Product) {
			known.count(res.Format == "")
		}
	})
	known.check(t, "unrecognised of supported products", 100, 2)
	each("parsers/wazuh-ruleset.jsonl.gz", func(r *record) { answered(t, p, x, Input{Line: r.line()}) })

	var zeek share
	header := ""
	each("zeek/otrf-zeek.jsonl.gz", func(r *record) {
		in := Input{Line: r.line(), Header: header}
		switch {
		case strings.HasPrefix(in.Line, "#fields"):
			header = in.Line
			return
		case strings.HasPrefix(in.Line, "#"): // the collector's
			return
		case strings.HasPrefix(in.Line, "{"):
			in.Header = ""
		}
		zeek.count(answered(t, p, x, in).Format != "zeek")
	})
	zeek.check(t, "unrecognised of Zeek", 100, 2)

	var foreign share
	each("loghub/loghub-2k.jsonl.gz", func(r *record) {
		res := answered(t, p, x, Input{Line: r.line()})
		foreign.count(res.Format != "" && !slices.Contains(own[r.Source], res.Format))
	})
	foreign.check(t, "lines of loghub that a wrong format takes", 1000, 1)

	each("sigma-regression/events.jsonl.gz", func(r *record) { answered(t, p, x, Input{Line: r.line()}) })
}
