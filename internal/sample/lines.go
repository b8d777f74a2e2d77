package sample

import "time"

// fortigate appends a traffic line as FortiOS 7 writes it.
func (m *Maker) fortigate(dst []byte) []byte {
	app := m.below(uint32(len(apps)))
	action := "close"
	if m.below(10) == 0 {
		action = "deny"
	}
	return m.traffic(dst, flow{action: action, port: ports[app], service: apps[app]})
}

type flow struct {
	src, dst, port, service, action string
}

func (m *Maker) traffic(dst []byte, f flow) []byte {
	dst = append(dst, "<189>date="...)
	dst = append(m.date(dst, '-'), " time="...)
	dst = append(m.clock(dst), ` devname="`...)
	dst = append(dst, m.town.Host...)
	dst = append(dst, `-fw01" devid="FGT60F`...)
	dst = append(dst, m.town.Code...)
	dst = append(dst, `0001" eventtime=`...)
	dst = num(dst, uint64(m.now.UnixNano()))
	dst = append(dst, ` tz="+0900" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=`...)
	if f.src != "" {
		dst = append(dst, f.src...)
	} else {
		dst = m.inside(dst)
	}
	dst = num(append(dst, " srcport="...), 1024+m.below(60000))
	dst = append(dst, ` srcintf="internal" srcintfrole="lan" dstip=`...)
	if f.dst != "" {
		dst = append(dst, f.dst...)
	} else {
		dst = m.outside(dst)
	}
	dst = append(append(dst, " dstport="...), f.port...)
	dst = append(dst, ` dstintf="wan1" dstintfrole="wan" srccountry="Reserved" dstcountry="Japan" sessionid=`...)
	dst = num(dst, m.below(1<<30))
	proto := "6"
	if f.service == "DNS" || f.service == "NTP" {
		proto = "17"
	}
	dst = append(append(dst, " proto="...), proto...)
	dst = append(append(dst, ` action="`...), f.action...)
	dst = num(append(dst, `" policyid=`...), 1+m.below(40))
	dst = append(dst, ` policytype="policy" poluuid="8c1e5d2a-7f3b-51ee-9a60-0242ac120002" policyname="office to internet" service="`...)
	dst = append(append(dst, f.service...), `" trandisp="snat" transip=192.0.2.254 transport=`...)
	dst = num(dst, 1024+m.below(60000))
	dst = num(append(dst, ` appcat="unscanned" duration=`...), m.below(300))
	dst = num(append(dst, " sentbyte="...), 60+m.below(90000))
	dst = num(append(dst, " rcvdbyte="...), 60+m.below(900000))
	dst = num(append(dst, " sentpkt="...), 1+m.below(200))
	return num(append(dst, " rcvdpkt="...), 1+m.below(900))
}

// squid appends a line of squid's native access.log.
func (m *Maker) squid(dst []byte) []byte {
	ms := m.now.UnixMilli()
	dst = num(dst, uint64(ms/1000))
	dst = append(dst, '.', byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
	dst = append(dst, "   "...)
	dst = append(num(dst, 10+m.below(900)), ' ')
	dst = append(m.inside(dst), ' ')
	result := m.pick(results)
	dst = append(append(dst, result...), ' ')
	dst = append(num(dst, 300+m.below(80000)), ' ')
	site := m.pick(sites)
	if result == "TCP_TUNNEL/200" {
		dst = append(append(append(dst, "CONNECT "...), site...), ":443 "...)
	} else {
		dst = append(append(append(dst, "GET http://"...), site...), m.pick(paths)...)
		dst = append(num(append(dst, "?id="...), m.below(100000)), ' ')
	}
	dst = append(append(dst, m.user()...), " HIER_DIRECT/"...)
	return append(m.outside(dst), " text/html"...)
}

func (m *Maker) windows(dst []byte, channel, provider string, id uint64) []byte {
	dst = append(dst, `{"EventTime":"`...)
	dst = append(m.date(dst, '-'), 'T')
	dst = append(m.clock(dst), `+09:00","Hostname":"`...)
	dst = append(dst, m.town.Host...)
	dst = num(append(dst, "-pc"...), m.pc())
	dst = append(dst, `.example.lg.jp","Keywords":"0x8000000000000000","Severity":"INFO","EventID":`...)
	dst = num(dst, id)
	dst = append(append(dst, `,"SourceName":"`...), provider...)
	dst = append(append(dst, `","Channel":"`...), channel...)
	dst = num(append(dst, `","RecordNumber":`...), m.n)
	return append(dst, `,"ExecutionProcessID":3128,"ExecutionThreadID":4160,"Domain":"NT AUTHORITY","AccountName":"SYSTEM"`...)
}

// sysmon appends a process creation as NXLog writes it.
func (m *Maker) sysmon(dst []byte) []byte {
	return m.process(dst, m.pick(images), "-k netsvcs -p -s Schedule", m.user())
}

func (m *Maker) process(dst []byte, image, args, user string) []byte {
	dst = m.windows(dst, "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 1)
	dst = append(dst, `,"RuleName":"-","UtcTime":"`...)
	utc := m.now
	m.now = utc.UTC()
	dst = append(m.date(dst, '-'), ' ')
	dst = append(m.clock(dst), `.120","ProcessGuid":"{5f3b2c1a-`...)
	m.now = utc
	dst = append(num(dst, 1000+m.below(9000)), `-6740-0000-001000000000}","ProcessId":"`...)
	dst = append(append(num(dst, 400+m.below(20000)), `","Image":"`...), image...)
	dst = append(dst, `","FileVersion":"10.0.19041.1 (WinBuild.160101.0800)","Description":"Host Process for Windows Services","Product":"Microsoft® Windows® Operating System","Company":"Microsoft Corporation","OriginalFileName":"svchost.exe","CommandLine":"`...)
	dst = append(append(append(append(dst, image...), ' '), args...), `","CurrentDirectory":"C:\\Windows\\system32\\","User":"TOWN\\`...)
	dst = append(append(dst, user...), `","LogonGuid":"{5f3b2c1a-1f5d-6740-e703-000000000000}","LogonId":"0x3e7","TerminalSessionId":"0","IntegrityLevel":"System","Hashes":"SHA1=75C5A97F521F760E32A4A9639A653EED862E9C61,MD5=1A2B3C4D5E6F708192A3B4C5D6E7F809,SHA256=`...)
	for range 4 {
		dst = hex16(dst, m.rnd.Uint64()>>40)
	}
	dst = append(dst, `,IMPHASH=247B9220E5D9B720A82B2C8B5069AD69","ParentProcessGuid":"{5f3b2c1a-1f5d-6740-0b00-001000000000}","ParentProcessId":"`...)
	dst = num(dst, 400+m.below(900))
	return append(dst, `","ParentImage":"C:\\Windows\\System32\\services.exe","ParentCommandLine":"C:\\Windows\\system32\\services.exe","ParentUser":"NT AUTHORITY\\SYSTEM","EventReceivedTime":"2026-11-22T09:00:01+09:00","SourceModuleName":"eventlog","SourceModuleType":"im_msvistalog"}`...)
}

// hex16 appends 16 hexadecimal digits.
func hex16(dst []byte, n uint64) []byte {
	const digits = "0123456789ABCDEF"
	for s := 60; s >= 0; s -= 4 {
		dst = append(dst, digits[n>>s&15])
	}
	return dst
}

func (m *Maker) signIn(dst []byte, id uint64, user string) []byte {
	dst = m.windows(dst, "Security", "Microsoft-Windows-Security-Auditing", id)
	dst = append(append(dst, `,"SubjectUserSid":"S-1-0-0","SubjectUserName":"-","TargetUserName":"`...), user...)
	dst = append(dst, `","TargetDomainName":"TOWN","LogonType":"3","IpAddress":"10.1.0.77","IpPort":"50123","WorkstationName":"PC-77"`...)
	if id == 4625 {
		dst = append(dst, `,"Status":"0xc000006d","SubStatus":"0xc000006a","FailureReason":"%%2313"`...)
	}
	return append(dst, '}')
}

func (m *Maker) ssh(dst []byte, message string) []byte {
	dst = append(dst, "<86>"...)
	dst = m.now.AppendFormat(dst, time.Stamp)
	dst = append(append(append(dst, ' '), m.town.Host...), "-srv01 sshd["...)
	dst = append(num(dst, 1000+m.below(9000)), "]: "...)
	return append(dst, message...)
}

// plan queues the lines of one incident that the rule library knows.
func (m *Maker) plan() {
	add := func(kind Kind, f func(*Maker, []byte) []byte) { m.queue = append(m.queue, queued{kind, f}) }
	switch m.below(6) {
	case 0: // a PC of the My Number zone talks to the internet
		add(FortiGate, func(m *Maker, b []byte) []byte {
			return m.traffic(b, flow{src: "192.168.10.23", port: "443", service: "HTTPS", action: "close"})
		})
	case 1: // PowerShell with an encoded command
		add(Sysmon, func(m *Maker, b []byte) []byte {
			return m.process(b, `C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`, "-NoProfile -EncodedCommand SQBFAFgAIAAoAE4AZQB3AC0A", m.user())
		})
	case 2: // the security log is cleared
		add(Windows, func(m *Maker, b []byte) []byte {
			return append(m.windows(b, "Security", "Microsoft-Windows-Eventlog", 1102), `,"SubjectUserName":"yamada","SubjectDomainName":"TOWN"}`...)
		})
	case 3: // somebody guesses passwords over SSH
		for range 12 {
			add(SSH, func(m *Maker, b []byte) []byte {
				return m.ssh(b, "Failed password for invalid user admin from 203.0.113.77 port 51515 ssh2")
			})
		}
	case 4: // SMB sweep inside the office
		for i := range uint64(40) {
			add(FortiGate, func(m *Maker, b []byte) []byte {
				return m.traffic(b, flow{src: "10.1.0.66", dst: "10.1.1." + string(num(nil, 1+i)), port: "445", service: "SMB", action: "deny"})
			})
		}
	default: // a stick is plugged into a PC of the My Number zone
		add(Windows, func(m *Maker, b []byte) []byte {
			return append(m.windows(b, "Security", "Microsoft-Windows-Security-Auditing", 6416), `,"SubjectUserName":"PC-23$","DeviceId":"USBSTOR\\Disk&Ven_EXAMPLE","DeviceDescription":"USB Mass Storage","ClassName":"DiskDrive"}`...)
		})
	}
}
