package format

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/testkit"
)

// floors are the shares, in percent, of the expected values of the parser
// corpus that ours equal. They only rise. What keeps a product low stands in
// DIFFERENCES.md. The parts of domains, which enrichment adds to events, are
// among what is expected and missing here.
var floors = map[string]float64{
	"all":                                   83.95,
	"Apache/apache":                         91.9,
	"AWS/aws-cloudtrail":                    70,
	"AWS/aws-flow-logs":                     100,
	"AWS/aws-guardduty":                     80.4,
	"Azure/azure-ad":                        88.2,
	"Beats/auditbeat":                       94.4,
	"Beats/winlogbeat":                      89.3,
	"BIND/bind":                             61,
	"Broadcom/edge-secure-web-gateway":      94.4,
	"Broadcom/symantec-endpoint-protection": 97.3,
	"CEF/cef":                               54.8,
	"Checkpoint/checkpoint":                 86.7,
	"Cisco/cisco-ios":                       93.6,
	"Cisco/cisco-secure-firewall":           93.2,
	"CrowdStrike/crowdstrike_falcon":        90.3,
	"Fortinet/fortigate":                    91.4,
	"Fortinet/fortimail":                    79.5,
	"Fortinet/fortiproxy":                   81.8,
	"FreeRADIUS/freeradius":                 33.3,
	"Google Cloud/google-report":            98.2,
	"HAProxy/haproxy":                       100,
	"ISC DHCP/dhcpd":                        81.2,
	"Juniper/juniper-ngfw":                  91.2,
	"Microsoft/microsoft-365-defender":      88.8,
	"Microsoft/microsoft-iis":               100,
	"Netfilter/netfilter":                   80,
	"NGINX/nginx":                           87.5,
	"Office 365/o365":                       93.1,
	"OpenBSD/openbsd-packet-filter":         100,
	"OpenLDAP/openldap":                     77.8,
	"OpenSSH/openssh":                       92.5,
	"Palo Alto Networks/paloalto-ngfw":      85.6,
	"Postfix/postfix":                       68.1,
	"SonicWall/sonicwall-fw":                86.1,
	"Sophos/sophos firewall":                82.7,
	"Squid/squid":                           81.4,
	"Suricata/suricata":                     72.7,
	"Trend Micro/deep-security":             84.1,
	"Trend Micro/trend-micro-apex-one":      83.2,
	"Unbound/unbound":                       64.5,
	"WatchGuard/watchguard-firebox":         92.4,
	"Windows/windows":                       73.9,
	"Zscaler/zscaler-zia":                   78.8,
}

// playing is the environment variable that makes the test binary a parser.
const playing = "MIMAMORI_PLAY_PARSE"

// TestMain plays `mimamori formats parse` for the corpora's script.
func TestMain(m *testing.M) {
	if os.Getenv(playing) == "" {
		os.Exit(m.Run())
	}
	if err := playParse(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// playParse answers each JSON object with a line in "raw" by the line's event.
func playParse(in io.Reader, out io.Writer) error {
	s, err := Builtin()
	if err != nil {
		return err
	}
	p, x, batch := s.Parser(Options{Location: time.UTC}), &event.Builder{}, &event.Batch{}
	w := bufio.NewWriter(out)
	for dec := json.NewDecoder(in); ; {
		var c struct{ Raw rawLine }
		if err := dec.Decode(&c); err == io.EOF {
			return w.Flush()
		} else if err != nil {
			return err
		}
		p.Parse(Input{Line: string(c.Raw), Received: time.Now()}, x)
		w.Write(append(batch.Append(x, event.Ref{Seq: 1}).AppendJSON(nil), '\n'))
		batch.Reset()
	}
}

func TestScore(t *testing.T) {
	script := filepath.Join(testkit.Corpora(t), "score_formats.py")
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 runs the corpora's script, and is not installed")
	}
	t.Setenv(playing, "1")
	run := exec.Command(python, script, "--json", os.Args[0])
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	var res struct {
		Score    float64
		Products map[string]float64
	}
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	res.Products["all"] = res.Score
	for name, share := range res.Products {
		if floor, ok := floors[name]; !ok || share < floor {
			t.Errorf("%s: %.2f %% of the expected values, the floor is %.2f %%", name, share, floor)
		}
	}
}
