package silence

import (
	"fmt"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// alert makes the alert of a finding. Its identity is the subject, the cause
// and the moment since when nothing comes.
func (f *finding) alert(subject string, at time.Time) event.Alert {
	key := subject + " cause=" + string(f.Cause)
	start := f.Since.UTC().Truncate(time.Second)
	t := texts[f.Cause]
	return event.Alert{
		ID:   event.AlertID(Rule, version, f.Municipality, key, start),
		Rule: Rule, Version: version, Severity: t.severity, Municipality: f.Municipality, Zone: f.Zone, Key: key,
		Title:   event.Localized{JA: f.name(t.title.JA, true), EN: f.name(t.title.EN, false)},
		Explain: event.Localized{JA: f.lastJA() + t.explain.JA, EN: f.lastEN() + t.explain.EN},
		Respond: t.respond, Start: start, End: at.UTC(),
	}
}

func (f *finding) name(format string, ja bool) string {
	name := f.source
	switch {
	case f.Cause == Prefecture || f.Cause == Link:
		return fmt.Sprintf(format, f.town)
	case name == "":
		name = f.collector
	case f.kind != "" && ja:
		name += "（" + f.kind + "）"
	case f.kind != "":
		name += " (" + f.kind + ")"
	}
	return fmt.Sprintf(format, name)
}

func (f *finding) lastJA() string {
	switch f.Cause {
	case Never, Format:
		return ""
	}
	return "最後に届いたのは" + f.Since.In(calendar.JST()).Format("1月2日15時04分") + "です。"
}

func (f *finding) lastEN() string {
	switch f.Cause {
	case Never, Format:
		return ""
	}
	return "The last came at " + f.Since.In(calendar.JST()).Format("15:04 on 2 January") + " (JST). "
}

// over says how a finding ended.
func (f finding) over(at time.Time) event.Localized {
	ja, en := "また届き始めました", "It arrives again"
	switch f.Cause {
	case Format:
		ja, en = "また読み取れるようになりました", "It can be read again"
	case Machine, Link, Prefecture:
		ja, en = "応答が戻りました", "It answers again"
	}
	clock := at.In(calendar.JST())
	return event.Localized{JA: fmt.Sprintf("%s（%s）。", ja, clock.Format("1月2日15時04分")), EN: fmt.Sprintf("%s (%s JST).", en, clock.Format("2006-01-02 15:04"))}
}

func noteOther() event.Localized {
	return event.Localized{JA: "原因の見立てが変わったため、新しいアラートに引き継ぎました。", EN: "The likely cause is another now; a new alert goes on from here."}
}

type text struct {
	severity       event.Severity
	title, explain event.Localized
	respond        event.Steps
}

// CauseText says a cause in words, in one line.
func CauseText(c Cause) event.Localized { return shortTexts[c] }

var shortTexts = map[Cause]event.Localized{
	Device:     {JA: "機器か、機器から収集器までの通信", EN: "the device, or the way from it to the collector"},
	Machine:    {JA: "収集器か、それが動くパソコン（サーバー）", EN: "the collector, or the machine that it runs on"},
	Link:       {JA: "自治体から県までの回線", EN: "the line from the municipality to the prefecture"},
	Delivery:   {JA: "収集器から県への送信", EN: "sending from the collector to the prefecture"},
	Prefecture: {JA: "県の側", EN: "the prefecture's side"},
	Format:     {JA: "ログの書式（機器の更新・設定変更）", EN: "the format of the log (the device was updated or set differently)"},
	Never:      {JA: "まだ一度も届いていない（設定の途中か、送り先の誤り）", EN: "nothing has ever come (not set up yet, or sent elsewhere)"},
}

var texts = map[Cause]text{
	Device: {
		event.Medium,
		event.Localized{JA: "%sのログが途絶えています", EN: "No logs from %s"},
		event.Localized{
			JA: "収集器は動いています。機器が止まったか、機器から収集器までの通信が切れたとみられます。ログがない間の出来事は後から調べられません。攻撃者がログを止めた可能性もあります。",
			EN: "The collector is well. The device has stopped, or cannot reach the collector. What happens meanwhile cannot be looked up later, and an intruder may have stopped the logs.",
		},
		event.Steps{
			JA: []string{"機器の電源と、ふだんどおりの動作を確かめる", "機器の画面で、ログの送り先（収集器の住所と番号）が変わっていないか見る", "作業や停電の予定がなかったか担当者に聞く", "心当たりがないのに設定が変わっていれば、触らずに県の分析担当へ電話する"},
			EN: []string{"Check that the device is on and works as usual", "Look whether it still sends its logs to the collector's address and port", "Ask whether there was work or a power cut planned", "If settings have changed and nobody knows why, leave them and call the prefecture's analysts"},
		},
	},
	Machine: {
		event.High,
		event.Localized{JA: "収集器 %s が応答しません", EN: "Collector %s does not answer"},
		event.Localized{
			JA: "収集器の定期連絡が途絶えました。収集器が動くパソコン（サーバー）が止まったか、収集器だけが止まったか、回線が切れています。ファイルのログは再開後に届きますが、その間のUDPのログは失われます。",
			EN: "Its heartbeats have ended: the machine or the program has stopped, or the line is cut. Logs in files will come later; what is sent by UDP meanwhile is lost.",
		},
		event.Steps{
			JA: []string{"収集器が動くパソコン（サーバー）の電源が入っているか見る", "入っていれば、そのパソコンで mimamori-collector status を実行し、出た文を県に伝える", "そのパソコンから庁外の県の窓口へ通信できるか、回線の業者に確かめる", "電源が切れていれば入れる。収集器は自分で動き始める"},
			EN: []string{"Look whether the collector's machine is on", "If it is, run mimamori-collector status there and tell the prefecture what it says", "Check with the line's provider that it can reach the prefecture", "If it is off, switch it on: the collector starts by itself"},
		},
	},
	Link: {
		event.High,
		event.Localized{JA: "自治体のすべての収集器（%d台）が応答しません", EN: "None of the municipality's %d collectors answers"},
		event.Localized{
			JA: "同じ自治体の収集器がそろって途絶えたので、庁舎の停電か、県までの回線の障害とみられます。収集器はログを手元にためており、回線が戻れば送ります。",
			EN: "They fell silent together, so this is a power cut or the line to the prefecture. The collectors keep the logs and send them when the line is back.",
		},
		event.Steps{
			JA: []string{"庁舎が停電していないか電話で聞く", "回線の業者の障害情報を見て、問い合わせる", "戻るまで、重要な機器は自治体の側で見てもらう"},
			EN: []string{"Call and ask whether there is a power cut", "Look at the provider's outage notices, and call them", "Until it is back, have the municipality watch its important devices"},
		},
	},
	Delivery: {
		event.High,
		event.Localized{JA: "収集器 %s のログが県に届いていません", EN: "Logs of collector %s do not reach the prefecture"},
		event.Localized{
			JA: "収集器は動いていて、ログも受け取っていますが、県に届いていません。回線が細くなっているか、県の側が受け取れていません。ログは収集器にたまっており、失われていません。",
			EN: "The collector is well and gets logs, but they do not arrive here: the line is thin, or we do not take them. They wait at the collector and are not lost.",
		},
		event.Steps{
			JA: []string{"県の「ログの状態」の頁で、受信の警告とディスクの空きを見る", "ほかの自治体も同じなら県の側、この自治体だけなら回線を疑う", "収集器の「送信待ち」が上限に近づいていないか見る"},
			EN: []string{"Look at the warnings and the free disk space on the log status page", "If other municipalities are the same, it is us; if not, the line", "Look how near the collector's queue is to its limit"},
		},
	},
	Prefecture: {
		event.Critical,
		event.Localized{JA: "ほとんどの自治体（%d）の収集器が応答しません", EN: "Collectors of nearly all municipalities (%d) do not answer"},
		event.Localized{JA: "いっせいに途絶えたので、県の側の回線かサーバーの障害とみられます。", EN: "They fell silent at once, so it is the prefecture's own line or server."},
		event.Steps{
			JA: []string{"県の回線と、収集器を受け付けるサーバーの動作を確かめる", "証明書の期限が切れていないか確かめる", "自治体には、収集器がログをためていることを伝える"},
			EN: []string{"Check the prefecture's line and the server that collectors connect to", "Check that its certificate has not expired", "Tell the municipalities that their collectors keep the logs"},
		},
	},
	Format: {
		event.Medium,
		event.Localized{JA: "%sのログが読み取れなくなっています", EN: "The logs of %s cannot be read"},
		event.Localized{
			JA: "ログは届いて保存されていますが、ほとんどが読み取れず、検知の対象になっていません。機器の更新や設定変更で書式が変わったとみられます。",
			EN: "Logs arrive and are stored, but nearly none can be read, so that no rule sees them. The device was probably updated or set differently.",
		},
		event.Steps{
			JA: []string{"「検索」で隔離されたログを開き、ふだんと何が違うか見る", "機器の更新や設定変更がなかったか聞く", "県の分析担当に、書式の追加を頼む"},
			EN: []string{"Open the quarantined events in the search and see what is different", "Ask whether the device was updated or set differently", "Ask the prefecture's analysts for a format"},
		},
	},
	Never: {
		event.Low,
		event.Localized{JA: "%sのログがまだ一度も届いていません", EN: "Nothing has ever come from %s"},
		event.Localized{JA: "収集器は待ち受けていますが、機器から何も届いていません。機器の送り先の設定がまだか、誤っています。", EN: "The collector waits, and the device sends nothing: it is not set up yet, or sends elsewhere."},
		event.Steps{
			JA: []string{"機器のログの送り先に、収集器の住所と番号を設定する", "間にあるファイアウォールがその通信を通すか確かめる", "使わないことになったのなら、収集器の設定から外す"},
			EN: []string{"Set the collector's address and port as the device's log destination", "Check that firewalls between them let it pass", "If it is not wanted any more, remove it from the collector's configuration"},
		},
	},
}
