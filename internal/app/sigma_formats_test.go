package app_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/rules"
	"mimamori/rules/sigma"
)

// TestSigmasFieldsAreFoundInWhatTheFormatsWrite: a rule in Sigma's words, a raw
// line, and what the importer's mappings make of the two.
func TestSigmasFieldsAreFoundInWhatTheFormatsWrite(t *testing.T) {
	const (
		cloudTrail = `{"eventVersion":"1.08","userIdentity":{"type":"Root","principalId":"1","accountId":"1"},"eventTime":"2026-11-01T00:15:02Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"x","sourceIPAddress":"198.51.100.7","userAgent":"tool/1","errorCode":"AccessDenied","responseElements":{"ConsoleLogin":"Success"},"requestParameters":{"attribute":"userData"},"additionalEventData":{"MFAUsed":"No"}}`
		signIn     = `{"time":"2026-11-01T00:15:02.1Z","operationName":"Sign-in activity","category":"SignInLogs","tenantId":"t","resultType":"50057","callerIpAddress":"198.51.100.7","location":"JP","properties":{"id":"s1","createdDateTime":"2026-11-01T00:15:02Z","userPrincipalName":"sato@town.example.jp","appId":"a","ipAddress":"198.51.100.7","status":{"errorCode":50057,"failureReason":"User account is disabled."},"deviceDetail":{"deviceId":"d1","trustType":"Registered"},"authenticationRequirement":"singleFactorAuthentication","riskState":"atRisk"}}`
		audit      = `{"time":"2026-11-01T00:15:02.7Z","operationName":"Add user","category":"AuditLogs","properties":{"id":"a1","category":"UserManagement","result":"success","activityDisplayName":"Add user","activityDateTime":"2026-11-01T00:15:02Z","loggedByService":"Core Directory","initiatedBy":{"user":{"id":"u0","userPrincipalName":"admin@town.example.jp"}},"targetResources":[{"id":"x","type":"ServicePrincipal"}]}}`
		activity   = `{"time":"2026-11-01T00:15:02.1Z","resourceId":"/S/dns","operationName":"MICROSOFT.NETWORK/DNSZONES/WRITE","category":"Administrative","resultType":"Success","callerIpAddress":"198.51.100.7","properties":{"message":"m"}}`
		office     = `{"CreationTime":"2026-11-01T00:15:02","Id":"1","Operation":"New-InboxRule","OrganizationId":"o","RecordType":1,"ResultStatus":"True","Workload":"Exchange","UserId":"sato@town.example.jp","Parameters":[{"Name":"ForwardTo","Value":"x@example.com"}]}`
		workspace  = `{"id":{"time":"2026-11-01T00:15:02Z","uniqueQualifier":"1","applicationName":"admin","customerId":"C"},"actor":{"email":"a@example.jp","profileId":"1"},"events":[{"type":"USER_SETTINGS","name":"GRANT_ADMIN_PRIVILEGE","parameters":[{"name":"NEW_VALUE","value":"true"}]}]}`
		auditd     = `type=EXECVE msg=audit(1793000000.123:456): argc=3 a0="chattr" a1="-i" a2="/etc/x"`
		syscall    = `type=SYSCALL msg=audit(1793000000.123:457): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=2 auid=1000 uid=0 euid=33 comm="sh" exe="/usr/bin/sh" key="watch"`
		fortiGate  = `date=2026-10-30 time=09:00:00 devname="FGT" devid="FG1" logid="0100044547" type="event" subtype="system" level="information" vd="root" logdesc="Object attribute configured" user="admin" action="Add" cfgtid=1 cfgpath="system.admin" cfgobj="support" msg="Add system.admin support"`
		denied     = `date=2026-11-01 time=09:00:00 devname="FGT" devid="FG1" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.0.0.1 srcport=50000 dstip=203.0.113.9 dstport=21 proto=6 action="deny"`
		access     = `192.0.2.10 - - [01/Nov/2026:09:15:02 +0900] "GET /shop/item.php?id=7 HTTP/1.1" 404 100 "http://ref.example/" "scanner/1.0"`
		zeekSMB    = `{"_path":"smb_files","ts":1793000000,"uid":"C","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","action":"SMB::FILE_OPEN","name":"a.dmp","path":"\\\\srv\\C$"}`
		zeekRPC    = `{"_path":"dce_rpc","ts":1793000000,"uid":"C","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","endpoint":"svcctl","operation":"CreateServiceW"}`
		zeekDNS    = `{"_path":"dns","ts":1793000000,"uid":"C","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","id.resp_p":53,"query":"a.example","qtype_name":"TXT","rejected":false}`
		security   = `{"Event":{"System":{"EventID":4688,"TimeCreated":{"#attributes":{"SystemTime":"2026-11-01T00:00:00Z"}},"Channel":"Security","Computer":"PC1"},"EventData":{"SubjectUserName":"sato","NewProcessName":"C:\\x\\tool.exe","ParentProcessName":"C:\\x\\p.exe","CommandLine":"tool -x","MandatoryLabel":"S-1-16-12288"}}}`
		registry   = `{"Event":{"System":{"EventID":4657,"TimeCreated":{"#attributes":{"SystemTime":"2026-11-01T00:00:00Z"}},"Channel":"Security","Computer":"PC1"},"EventData":{"SubjectUserName":"sato","ObjectName":"\\REGISTRY\\MACHINE\\SOFTWARE\\Run","ObjectValueName":"x","OperationType":"%%1905","NewValue":"evil.exe","ProcessName":"C:\\x\\p.exe"}}}`
		sysmon     = `<Event><System><Provider Name="Linux-Sysmon"/><EventID>1</EventID><Channel>Linux-Sysmon/Operational</Channel><Computer>srv1</Computer></System><EventData><Data Name="UtcTime">2026-11-01 00:00:00.000</Data><Data Name="Image">/usr/bin/curl</Data><Data Name="CommandLine">curl http://x</Data><Data Name="LogonId">0</Data><Data Name="User">root</Data></EventData></Event>`
	)
	formats, err := format.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ source, line, items string }{
		{"product: aws, service: cloudtrail", cloudTrail, "eventName: ConsoleLogin, eventSource: signin.amazonaws.com, userIdentity.type: Root, errorCode|contains: '*', responseElements.ConsoleLogin: Success, additionalEventData.MFAUsed: 'NO', requestParameters.attribute: userData, requestParameters|contains: userData, userAgent|startswith: tool, sourceIPAddress: 198.51.100.7"},
		{"product: azure, service: signinlogs", signIn, "ResultType: 50057, ResultDescription|contains: disabled, AuthenticationRequirement: singleFactorAuthentication, RiskState: atRisk, location: JP, DeviceDetail.trusttype: Registered, properties.deviceDetail.deviceId: d1, Username: sato@town.example.jp, Status: failure"},
		{"product: azure, service: auditlogs", audit, "OperationName: Add user, properties.message: Add user, Category: UserManagement, LoggedByService: Core Directory, Status: Success, targetResources.type: 'Service Principal', Initiatedby: admin"},
		{"product: azure, service: activitylogs", activity, "operationName|startswith: 'MICROSOFT.NETWORK/DNSZONES', ResourceId|contains: dns, CategoryValue: Administrative, properties.message: m"},
		{"product: m365, service: audit", office, "Operation: New-InboxRule, Workload: Exchange, Parameters|contains: ForwardTo, status: success"},
		{"product: gcp, service: google_workspace.admin", workspace, "eventService: admin.googleapis.com, eventName: GRANT_ADMIN_PRIVILEGE, new_value: 'true'"},
		{"product: linux, service: auditd", auditd, "type: EXECVE, a0: chattr, a1|contains: '-i'"},
		{"product: linux, service: auditd", syscall, "SYSCALL: execve, exe|endswith: /sh, comm: sh, key: watch, euid: 33, success: 'yes'"},
		{"product: fortigate, service: event", fortiGate, "action: Add, cfgpath: system.admin"},
		{"category: firewall", denied, "src_ip: 10.0.0.1, dst_ip: 203.0.113.9, dst_port: 21, action: [block, deny], blocked: true"},
		{"category: webserver", access, "cs-method: GET, cs-uri-query|contains: /shop/item.php, cs-uri-stem|endswith: .php, sc-status: 404, sc-status|contains: '04', cs-user-agent|startswith: scanner, cs-referer|contains: ref, c-ip: 192.0.2.10"},
		{"product: zeek, service: smb_files", zeekSMB, `name|endswith: .dmp, path|endswith: 'C$', id.orig_h: 10.0.0.1`},
		{"product: zeek, service: dce_rpc", zeekRPC, "endpoint: svcctl, operation: CreateServiceW"},
		{"product: zeek, service: dns", zeekDNS, "query: a.example, qtype_name: TXT, id.resp_p: 53"},
		{"product: windows, category: process_creation", security, `Image|endswith: '\tool.exe', ParentImage|endswith: '\p.exe', CommandLine: tool -x, User: sato, IntegrityLevel: High`},
		{"product: windows, category: registry_set", registry, `TargetObject|endswith: '\SOFTWARE\Run', Details: evil.exe, Image|endswith: '\p.exe', EventType: SetValue`},
		{"product: linux, category: process_creation", sysmon, "Image|endswith: /curl, CommandLine|contains: http, LogonId: 0, User: root"},
		{"category: network, service: dns", zeekDNS, "dns.question.name: a.example"},
	} {
		for _, item := range append(strings.Split(c.items, ", "), c.items) {
			if strings.Count(item, "[") != strings.Count(item, "]") {
				continue // a list, cut
			}
			taxonomy := "sigma"
			if strings.Contains(item, "dns.question") {
				taxonomy = "ecs"
			}
			text := fmt.Sprintf("title: x\nid: x\nstatus: stable\ntaxonomy: %s\nlogsource: {%s}\ndetection:\n  s:\n    %s\n  condition: s\n", taxonomy, c.source, lines(item))
			dir := t.TempDir()
			rep, err := sigma.Import(fstest.MapFS{"x.yml": {Data: []byte(text)}}, dir, sigma.Options{})
			if err != nil || rep.Imported != 1 {
				t.Errorf("%s: %v %+v", item, err, rep.Refusals)
				continue
			}
			set, err := rules.Load(os.DirFS(dir))
			if err != nil {
				t.Fatal(err)
			}
			x, b, n := new(event.Builder), event.Batch{}, 0
			parser := formats.Parser(format.Options{Now: func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }})
			parser.Parse(format.Input{Line: c.line}, x)
			ev := b.Append(x, event.Ref{})
			rules.NewEngine(set, rules.Options{}).Match(ev, func(*rules.Rule) { n++ })
			if n != 1 {
				t.Errorf("%s: %s\n%s\n%s", c.source, item, set.Rules()[0].When.Source, ev.AppendJSON(nil))
			}
		}
	}
}

// lines puts each item of a selection on its own line.
func lines(items string) string {
	var b strings.Builder
	depth := 0
	for _, r := range items {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case r == ',' && depth == 0:
			b.WriteString("\n   ")
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
