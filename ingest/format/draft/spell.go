package draft

// spelling is a field and how vendors call it: without case, "_", "-", "." and
// blanks.
type spelling struct {
	field string
	want  want // what its values must look like
	more  string
	keys  string
}

// want is what the values of a key must look like to go to a field.
type want uint8

const (
	anything want = iota
	addresses
	ports
	integers
	macs
	urls
	mails
	md5s
	sha1s
	sha256s
	protocols
	texts // no bare numbers
	methods
	seconds
)

// spellings is where keys go. The first field that fits a key is taken, and the
// first key that fits a field. more is what stands beside `to:` then.
var spellings = []spelling{
	{"source.address", addresses, "", "src srcip srcaddr srcaddress source sourceip sourceaddr sourceaddress saddr sip client clientip clientaddr clientaddress cip caddr remoteip remoteaddr remotehost remote from fromip ipsrc srchost peer peerip initiator attacker origin 送信元 送信元ip 送信元ipアドレス クライアントip 接続元 ipaddress ip address"},
	{"source.port", ports, "", "spt srcport sport sourceport clientport cport srcpt fromport portsrc remoteport 送信元ポート port"},
	{"destination.address", addresses, "", "dst dstip dstaddr dstaddress dest destip destaddr destination destinationip destinationaddress daddr dip server serverip serveraddr sip saddr to toip ipdst dsthost target targetip responder victim 宛先 宛先ip 宛先ipアドレス 接続先 address2"},
	{"destination.port", ports, "", "dpt dstport dport destport destinationport serverport dstpt toport portdst targetport 宛先ポート port2"},
	{"source.nat.ip", addresses, "", "srcnat srcnatip natsrc natsrcip natip transip xlatesrc snat snatip srcxlated translatedsrc sourcetranslatedaddress"},
	{"source.nat.port", ports, "", "srcnatport natsport natsrcport transport xlatesport snatport sourcetranslatedport"},
	{"destination.nat.ip", addresses, "", "dstnat dstnatip natdst natdstip tranip xlatedst dnat dnatip translateddst destinationtranslatedaddress"},
	{"destination.nat.port", ports, "", "dstnatport natdport natdstport tranport xlatedport dnatport destinationtranslatedport"},
	{"network.transport", protocols, "as: lower, table: ip-protocol", "proto protocol transport ipproto ipprotocol l4proto l4 transportprotocol protoname プロトコル"},
	{"source.mac", macs, "as: mac", "smac srcmac sourcemac mac macaddr macaddress clientmac"},
	{"destination.mac", macs, "as: mac", "dmac dstmac destmac destinationmac"},
	{"user.name", texts, "", "user username usr usrname uname suser srcuser login loginuser loginname account accountname userid uid id principal who ユーザ ユーザー ユーザ名 ユーザー名 ユーザid ユーザーid 利用者"},
	{"destination.user.name", texts, "", "duser dstuser destuser targetuser"},
	{"event.action", texts, "", "action act disposition verdict verb operation op activity eventaction アクション 動作 操作"},
	{"event.outcome", texts, "outcome", "result outcome status res success 結果"},
	{"url.original", urls, "as: url", "url uri request requesturl requesturi link fullurl csuri"},
	{"source.bytes", integers, "", "sentbyte sentbytes bytessent sent tx txbytes bytesout outbytes out bytestoserver srcbytes upbytes upload 送信バイト"},
	{"destination.bytes", integers, "", "rcvdbyte rcvdbytes bytesrcvd bytesreceived received rcvd recv recvbytes rx rxbytes bytesin inbytes in bytestoclient dstbytes downbytes download 受信バイト"},
	{"network.bytes", integers, "", "bytes totalbytes byte size length octets"},
	{"source.packets", integers, "", "sentpkt sentpkts sentpackets txpackets packetsout outpkts srcpkts"},
	{"destination.packets", integers, "", "rcvdpkt rcvdpkts rcvdpackets rxpackets packetsin inpkts dstpkts"},
	{"network.packets", integers, "", "packets pkts totalpackets"},
	{"event.duration", seconds, "as: seconds", "duration elapsed dur took elapsedtime sessiontime seconds"},
	{"observer.hostname", texts, "", "devname devicename device dvchost firewall fw gateway hostname host sensor 装置名"},
	{"observer.serial_number", anything, "", "devid deviceid serial serialnumber sn deviceserial"},
	{"rule.name", texts, "", "rule rulename policy policyname acl aclname filter filtername ルール ポリシー"},
	{"rule.id", anything, "", "ruleid policyid ruleno rulenumber policyno rule policy"},
	{"network.application", texts, "as: lower", "app application appname service servicename svc"},
	{"observer.ingress.interface.name", texts, "", "iif inif inintf ininterface srcintf srcif inputinterface ingress"},
	{"observer.egress.interface.name", texts, "", "oif outif outintf outinterface dstintf dstif outputinterface egress"},
	{"observer.ingress.zone", texts, "", "srczone inzone zonein fromzone sourcezone"},
	{"observer.egress.zone", texts, "", "dstzone outzone zoneout tozone destinationzone destzone"},
	{"file.hash.sha256", sha256s, "as: lower", "sha256 hash filehash sha256sum checksum digest"},
	{"file.hash.sha1", sha1s, "as: lower", "sha1 hash filehash checksum digest"},
	{"file.hash.md5", md5s, "as: lower", "md5 hash filehash md5sum checksum digest"},
	{"http.request.method", methods, "", "method httpmethod requestmethod verb csmethod"},
	{"http.response.status_code", integers, "", "httpstatus statuscode httpcode responsecode scstatus httpresponse status"},
	{"user_agent.original", texts, "", "useragent agent ua httpuseragent csuseragent"},
	{"http.request.referrer", texts, "", "referer referrer httpreferer"},
	{"file.path", texts, "as: path", "filepath path fullpath filename file fname ファイル名 ファイル"},
	{"file.size", integers, "", "filesize fsize"},
	{"process.command_line", texts, "", "commandline cmdline command cmd"},
	{"process.name", texts, "", "process processname program proc image app"},
	{"process.pid", integers, "", "pid processid"},
	{"email.from.address", mails, "as: mail", "from mailfrom sender envfrom 差出人"},
	{"email.to.address", mails, "as: mail", "to rcptto recipient recipients rcpt envto 宛先"},
	{"email.subject", texts, "", "subject 件名"},
	{"dns.question.name", texts, "as: fqdn", "query qname question dnsquery"},
	{"host.name", texts, "", "computer computername machine workstation pc pcname terminal hostname host 端末 端末名 コンピュータ名"},
	{"source.address", texts, "", "srchost sourcehost clienthost remotehost client"},
	{"destination.address", texts, "", "dsthost desthost destinationhost serverhost server"},
	{"rule.category", texts, "", "category cat urlcategory カテゴリ"},
	{"event.severity", integers, "", "severity sev priority level risk 重要度"},
	{"log.level", texts, "as: lower", "severity sev level loglevel priority 重要度"},
	{"event.reason", texts, "", "reason cause why 理由"},
	{"event.code", anything, "", "eventid event msgid messageid logid code signatureid sigid type イベントid"},
	{"message", texts, "", "msg message description text detail 詳細 メッセージ"},
}
