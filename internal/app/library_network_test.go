package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/ingest/format"
	"mimamori/rules"
)

// TestTheLibraryReadsWhatNetworksAndCloudsWrite is its neighbour for firewalls,
// sign-ins and clouds: lines as the devices send them, and the one rule each is for.
func TestTheLibraryReadsWhatNetworksAndCloudsWrite(t *testing.T) {
	formats, err := format.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	const (
		fgt   = `date=2026-11-04 time=09:00:00 devname="FGT" devid="FG1" logid="0100000001" type="event" level="information" vd="root" `
		utm   = `date=2026-11-04 time=09:00:00 devname="FGT" devid="FG1" logid="0400000001" type="utm" level="alert" vd="root" dstport=443 `
		pan   = `1,2026/11/04 09:15:30,001,CONFIG,0,2561,2026/11/04 09:15:30,10.0.0.9,,`
		trail = `{"eventVersion":"1.08","eventTime":"2026-11-04T00:15:02Z","awsRegion":"ap-northeast-1","sourceIPAddress":"198.51.100.7",`
		m365  = `{"CreationTime":"2026-11-04T00:15:02","Id":"i3","OrganizationId":"o1","RecordType":1,"ResultStatus":"True","Workload":"Exchange","UserId":"sato@town.example.jp",`
		entra = `{"time":"2026-11-04T00:15:02Z","category":"AuditLogs","properties":{"id":"D2","result":"success","initiatedBy":{"user":{"userPrincipalName":"sato@town.example.jp"}},`
		gws   = `{"id":{"time":"2026-11-04T00:15:02Z","uniqueQualifier":"2","customerId":"C1",`
		actor = `},"actor":{"email":"sato@town.example.jp","profileId":"11"},"ipAddress":"198.51.100.7","events":[`
	)
	for rule, lines := range map[string][]string{
		"fw-account-added": {
			pan + `set,admin,Web,Succeeded, mgt-config users  tech,,tech { },9,0x0,0,0,0,0,,PA-1,0,,0,2026-11-04T09:15:30.000+09:00`,
			`<134>1 2026-11-04T00:15:03Z mgmt CheckPoint 1 - [action:"Accept"; time:"1793751302"; administrator:"admin"; objectname:"tech"; objecttype:"administrator"; operation:"Create Object"; product:"SmartConsole"]`,
			`%ASA-5-111010: User 'admin', running 'CLI' from IP 10.0.0.9, executed 'username tech password x privilege 15'`,
			`<189>31: r1: Nov  4 2026 09:15:02: %PARSER-5-CFGLOG_LOGGEDCMD: User:admin  logged command:username tech privilege 15`,
		},
		"fw-admin-login-from-internet": {
			fgt + `subtype="system" logdesc="Admin login successful" user="admin" ui="https(203.0.113.66)" method="https" srcip=203.0.113.66 dstip=198.51.100.1 action="login" status="success"`,
			`1,2026/11/04 09:15:30,001,SYSTEM,general,0,2026/11/04 09:15:30,,general,,0,0,general,informational,"User admin logged in via Web from 203.0.113.66 using https",75,0x0,0,0,0,0,,PA-1`,
			`<174>Login succeeded for SSH: 203.0.113.66 admin`,
			`%ASA-6-605005: Login permitted from 203.0.113.66/4321 to outside:198.51.100.1/ssh for user "admin"`,
			`<134>1 2026-11-04T00:15:03Z mgmt CheckPoint 1 - [action:"Log In"; time:"1793751302"; product:"SmartConsole"; administrator:"admin"; src:"203.0.113.66"; status:"Success"; ]`,
		},
		"fw-policy-opened-to-any": {
			`%ASA-5-111008: User 'admin' executed the 'access-list inside_in extended permit ip any any' command.`,
			pan + `set,admin,Web,Succeeded, vsys  vsys1 rulebase security rules  test,,"test { to any; from any; source any; destination any; action allow; }",9,0x0,0,0,0,0,,PA-1,0,,0,2026-11-04T09:15:30.000+09:00`,
		},
		"fw-logging-disabled":            {`%ASA-5-111010: User 'admin', running 'CLI' from IP 10.0.0.9, executed 'no logging enable'`},
		"fw-config-exported-or-restored": {`%ASA-5-111010: User 'admin', running 'CLI' from IP 10.0.0.9, executed 'copy running-config tftp://198.51.100.9/asa'`, `%ASA-5-111003: 10.0.0.9 Erase configuration`},
		"fw-firmware-changed":            {`%ASA-5-111010: User 'admin', running 'CLI' from IP 10.0.0.9, executed 'boot system disk0:/asa.bin'`},
		"fw-ha-failover": {
			fgt + `subtype="ha" logdesc="Virtual cluster member state moved" msg="Virtual cluster's member state moved" ha_role="master" vcluster=1`,
			`%ASA-1-104001: (Primary) Switching to ACTIVE - HELLO not heard from mate`,
		},
		"vpn-guessing-from-one-source": {
			strings.Repeat(fgt+"subtype=\"vpn\" logdesc=\"SSL VPN login fail\" action=\"ssl-login-fail\" remip=203.0.113.66 user=\"suzuki\" reason=\"sslvpn_login_permission_denied\"\n", 20),
			strings.Repeat("1,2026/11/04 09:15:30,001,GLOBALPROTECT,0,2562,2026/11/04 09:15:30,vsys1,gateway-auth,login,LDAP,,suzuki,JP,PC-0420,203.0.113.66,0.0.0.0,0.0.0.0,0.0.0.0,0e1f2a3b,SER1,6.0.4,Windows,\"Windows 11\",1,,Invalid password,,failure,,0,,0,GW1,55,0x0\n", 20),
		},
		"net-tor":                  {utm + `subtype="app-ctrl" eventtype="signature" srcip=10.30.1.7 dstip=203.0.113.80 action="block" appcat="Proxy" app="Tor"`},
		"net-remote-control-tool":  {utm + `subtype="app-ctrl" eventtype="signature" srcip=10.30.1.7 dstip=203.0.113.80 action="pass" appcat="Remote.Access" app="AnyDesk"`},
		"ips-critical-not-blocked": {utm + `subtype="ips" eventtype="signature" severity="critical" srcip=203.0.113.66 dstip=10.2.0.80 action="detected" attack="Example.Overflow" attackid=5`},
		"web-program-from-ip-address": {
			`1793751302.100    182 10.30.1.7 TCP_MISS/200 4711 GET http://203.0.113.80/a/update.exe - HIER_DIRECT/203.0.113.80 application/octet-stream`,
		},
		"cloud-root-used":     {trail + `"userIdentity":{"type":"Root","accountId":"1"},"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","eventType":"AwsApiCall"}`},
		"cloud-key-created":   {trail + `"userIdentity":{"type":"IAMUser","userName":"suzuki"},"eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","requestParameters":{"userName":"batch"}}`},
		"cloud-audit-log-off": {trail + `"userIdentity":{"type":"IAMUser","userName":"suzuki"},"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"}`, m365 + `"Operation":"Set-AdminAuditLogConfig","Parameters":[{"Name":"UnifiedAuditLogIngestionEnabled","Value":"False"}]}`},
		"cloud-admin-without-second-factor": {
			trail + `"userIdentity":{"type":"IAMUser","userName":"suzuki"},"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No"}}`,
			`{"time":"2026-11-04T00:15:02Z","operationName":"Sign-in activity","category":"SignInLogs","resultType":"0","properties":{"id":"s1","createdDateTime":"2026-11-04T00:15:02Z","userPrincipalName":"sato@town.example.jp","appId":"a","appDisplayName":"Azure Portal","ipAddress":"198.51.100.7","authenticationRequirement":"singleFactorAuthentication","status":{"errorCode":0}}}`,
		},
		"cloud-storage-public": {
			trail + `"userIdentity":{"type":"IAMUser","userName":"suzuki"},"eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","requestParameters":{"bucketName":"b","bucketPolicy":{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}]}}}`,
			trail + `"userIdentity":{"type":"IAMUser","userName":"suzuki"},"eventSource":"s3.amazonaws.com","eventName":"PutBucketAcl","requestParameters":{"AccessControlPolicy":{"AccessControlList":{"Grant":[{"Grantee":{"URI":"http://acs.amazonaws.com/groups/global/AllUsers"},"Permission":"READ"}]}}}}`,
		},
		"cloud-mail-forwarded-outside": {
			m365 + `"Operation":"New-InboxRule","Parameters":[{"Name":"ForwardTo","Value":"a@example.net"}]}`,
			gws + `"applicationName":"user_accounts"` + actor + `{"type":"email_forwarding_change","name":"email_forwarding_out_of_domain","parameters":[{"name":"email_forwarding_destination_address","value":"a@example.net"}]}]}`,
		},
		"cloud-app-consent": {
			entra + `"category":"ApplicationManagement","activityDisplayName":"Consent to application","targetResources":[{"type":"ServicePrincipal","modifiedProperties":[{"displayName":"ConsentAction.Permissions","newValue":"[] => [[Scope: Mail.Read]]"}]}]}}`,
			gws + `"applicationName":"token"` + actor + `{"type":"auth","name":"authorize","parameters":[{"name":"scope","multiValue":["https://mail.google.com/","openid"]}]}]}`,
		},
		"cloud-mfa-disabled":       {gws + `"applicationName":"user_accounts"` + actor + `{"type":"2sv_change","name":"2sv_disable"}]}`},
		"cloud-admin-role-granted": {entra + `"category":"RoleManagement","activityDisplayName":"Add member to role","targetResources":[{"type":"User","userPrincipalName":"a@town.example.jp","modifiedProperties":[{"displayName":"Role.DisplayName","newValue":"\"Global Administrator\""}]}]}}`},
		"id-disabled-account-used": {`{"System":{"Provider":{"Name":"Microsoft-Windows-Security-Auditing"},"EventID":4625,"Channel":"Security","Computer":"dc1","TimeCreated":{"SystemTime":"2026-11-04T00:15:02Z"}},"EventData":{"TargetUserName":"sato","Status":"0xc000006e","SubStatus":"0xc0000072","LogonType":"3","IpAddress":"10.0.0.9"}}`},
	} {
		for i, text := range lines {
			p, x, b := formats.Parser(format.Options{}), new(event.Builder), event.Batch{}
			for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
				p.Parse(format.Input{Line: line, Received: time.Date(2026, 11, 4, 2, 0, 0, 0, time.UTC)}, x)
				x.Set(event.MustLookup("municipality"), event.String("131016"))
				b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(n + 1)})
			}
			var got []string
			engine := rules.NewEngine(set, rules.Options{})
			engine.Evaluate(&b, func(a event.Alert) { got = append(got, a.Rule) })
			engine.Flush(func(a event.Alert) { got = append(got, a.Rule) })
			if !slices.Equal(got, []string{rule}) {
				t.Errorf("%s, line %d: fired %v; the event: %s", rule, i+1, got, b.Events[0].AppendJSON(nil))
			}
		}
	}
}
