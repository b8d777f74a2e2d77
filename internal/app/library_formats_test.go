package app_test

import (
	"slices"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/rules"
)

// TestTheLibraryReadsWhatTheFormatsWrite takes raw lines through the real
// formats: a field that a rule asks for and a format spells otherwise shows here.
func TestTheLibraryReadsWhatTheFormatsWrite(t *testing.T) {
	formats, err := format.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		lines  []string
		repeat int
		zone   string
		want   []string
	}{
		"log cleared": {
			lines: []string{`{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Eventlog"}},"EventID":1102,"TimeCreated":{"#attributes":{"SystemTime":"2026-11-01T00:00:00Z"}},"Channel":"Security","Computer":"SV-FILE01"},"UserData":{"LogFileCleared":{"SubjectUserName":"sato"}}}}`},
			want:  []string{"win-log-cleared"},
		},
		"encoded PowerShell": {
			lines: []string{`{"Event":{"System":{"EventID":1,"TimeCreated":{"#attributes":{"SystemTime":"2026-11-01T00:00:00Z"}},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"PC1"},"EventData":{"Image":"C:\\Windows\\powershell.exe","CommandLine":"powershell -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoA"}}}`},
			want:  []string{"win-powershell-encoded"},
		},
		"stick in the My Number zone": {
			zone: "mynumber", lines: []string{`{"Event":{"System":{"EventID":6416,"TimeCreated":{"#attributes":{"SystemTime":"2026-11-01T00:00:00Z"}},"Channel":"Security","Computer":"PC1"},"EventData":{"DeviceId":"USBSTOR\\Disk&Ven_X","ClassName":"DiskDrive"}}}`},
			want: []string{"mynumber-usb-takeout"},
		},
		"SSH brute force": {
			repeat: 25, lines: []string{`<86>Nov  1 09:15:02 srv1 sshd[4711]: Failed password for invalid user oracle from 203.0.113.66 port 33000 ssh2`},
			want: []string{"ssh-brute-force"},
		},
		"root shell": {
			lines: []string{`<85>Nov  1 10:00:00 srv1 sudo[99]:     sato : TTY=pts/0 ; PWD=/home/sato ; USER=root ; COMMAND=/bin/bash`},
			want:  []string{"linux-sudo-root-shell"},
		},
		"FortiGate administrator": {
			lines: []string{`date=2026-10-30 time=09:00:00 devname="FGT" devid="FG1" logid="0100044547" type="event" subtype="system" level="information" vd="root" logdesc="Object attribute configured" user="admin" ui="GUI(203.0.113.66)" action="Add" cfgtid=1 cfgpath="system.admin" cfgobj="support" msg="Add system.admin support"`},
			want:  []string{"fortigate-admin-added"},
		},
		"FortiGate virus": {
			lines: []string{`date=2026-11-01 time=09:00:00 devname="FGT" devid="FG1" logid="0211008192" type="utm" subtype="virus" eventtype="infected" level="warning" vd="root" srcip=10.30.1.7 dstip=198.51.100.9 dstport=80 action="blocked" filename="invoice.zip" virus="EICAR_TEST_FILE" msg="File is infected."`},
			want:  []string{"malware-found"},
		},
		"FortiGate Winny": {
			lines: []string{`date=2026-11-01 time=09:00:00 devname="FGT" devid="FG1" logid="1059028704" type="utm" subtype="app-ctrl" eventtype="signature" level="information" vd="root" srcip=10.30.1.7 dstip=198.51.100.9 dstport=7743 action="block" appcat="P2P" app="Winny" msg="P2P: Winny"`},
			want:  []string{"net-p2p-file-sharing"},
		},
		"FortiGate C2 port": {
			lines: []string{`date=2026-11-01 time=09:00:00 devname="FGT" devid="FG1" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.30.1.7 srcport=50000 dstip=198.51.100.9 dstport=4444 proto=6 action="accept"`},
			want:  []string{"net-c2-port-from-staff-pc"},
		},
		"FortiGate web traffic": {lines: []string{`date=2026-11-01 time=09:00:00 devname="FGT" devid="FG1" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.30.1.7 srcport=50000 dstip=198.51.100.9 dstport=443 proto=6 action="accept"`}},
	} {
		t.Run(name, func(t *testing.T) {
			p, x, b := formats.Parser(format.Options{}), new(event.Builder), event.Batch{}
			for i := range max(1, c.repeat) * len(c.lines) {
				r := p.Parse(format.Input{Line: c.lines[i%len(c.lines)], Received: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)}, x)
				if r.Reason != "" {
					t.Fatalf("%s: %s", r.Format, r.Reason)
				}
				if c.zone != "" {
					x.Set(event.MustLookup("zone"), event.String(c.zone))
				}
				b.Append(x, event.Ref{Seq: uint64(i)})
			}
			var got []string
			engine := rules.NewEngine(set, rules.Options{})
			engine.Evaluate(&b, func(a event.Alert) { got = append(got, a.Rule) })
			engine.Flush(func(a event.Alert) { got = append(got, a.Rule) })
			if !slices.Equal(got, c.want) {
				t.Errorf("fired %v, want %v; the first event: %s", got, c.want, b.Events[0].AppendJSON(nil))
			}
		})
	}
}
