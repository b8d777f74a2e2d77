package status

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimamori/internal/calendar"
)

// words is a report as people read it, in one language.
type words struct {
	Lang, Other, OtherName string
	Title, Headline, Sub   string
	Level                  string // good, look, act
	Todo                   []string
	Call                   string // whom to call
	Facts                  []fact
	Heads                  []string
	Sources                []row
	Certificates           []fact
	Labels                 map[string]string
	Now                    string
}

type fact struct{ Name, Value, Level string }

type row struct {
	Level string
	Cells []fact // each under its head
	Note  string
}

// speaker chooses between the languages.
type speaker struct {
	en  bool
	now time.Time
}

func (s speaker) t(ja, en string, args ...any) string {
	if s.en {
		ja = en
	}
	if len(args) == 0 {
		return ja
	}
	return fmt.Sprintf(ja, args...)
}

// ago is how long ago a moment was.
func (s speaker) ago(at time.Time) string {
	if at.IsZero() {
		return s.t("まだありません", "never")
	}
	d := s.now.Sub(at)
	if d < 10*time.Second {
		return s.t("たった今", "just now")
	}
	return s.t("%s前", "%s ago", s.span(d))
}

// span is a length of time in one unit, rounded down.
func (s speaker) span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return s.t("%d秒", "%d s", int(d.Seconds()))
	case d < time.Hour:
		return s.t("%d分", "%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return s.t("%d時間", "%d h", int(d.Hours()))
	}
	return s.t("%d日", "%d days", int(d.Hours()/24))
}

func (s speaker) clock(at time.Time) string {
	at = at.In(calendar.JST())
	if s.en {
		return at.Format("2006-01-02 15:04") + " JST"
	}
	return at.Format("2006年1月2日 15時04分")
}

func number(n uint64) string {
	t := strconv.FormatUint(n, 10)
	for i := len(t) - 3; i > 0; i -= 3 {
		t = t[:i] + "," + t[i:]
	}
	return t
}

func size(n uint64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	f, i := float64(n), 0
	for f >= 1000 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	if i == 0 || f >= 100 {
		return strconv.FormatFloat(f, 'f', 0, 64) + " " + units[i]
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[i]
}

func sum(m map[string]uint64) (n uint64) {
	for _, x := range m {
		n += x
	}
	return n
}

// When something is worth a look, and when somebody must act.
const (
	clockLook = 5.0 // seconds
	certLook  = 30 * 24 * time.Hour
	roomLook  = 0.7 // of the spool
)

// say puts a report into words.
func say(r *Report, s speaker) *words {
	w := &words{
		Lang: "ja", Other: "en", OtherName: "English", Level: "good", Now: s.clock(s.now),
		Title: s.t("見守り 収集器 %s", "Mimamori collector %s", r.Collector),
		Call:  r.Contact,
	}
	if s.en {
		w.Lang, w.Other, w.OtherName = "en", "ja", "日本語"
	}
	if w.Call == "" {
		w.Call = s.t("県の情報セキュリティクラウドの担当", "the prefecture's security cloud team")
	}
	w.sending(r, s)
	w.clock(r, s)
	w.sources(r, s)
	w.certificates(r, s)
	w.labels(s)
	return w
}

// todo adds something to do and raises the level.
func (w *words) todo(level, text string) {
	w.Todo = append(w.Todo, text)
	if w.Level == "good" || level == "act" {
		w.Level = level
	}
}

func (w *words) sending(r *Report, s speaker) {
	since := s.ago(r.Since)
	switch r.Sending {
	case Cut:
		w.Headline = s.t("県に送れていません", "Nothing gets to the prefecture")
		w.Sub = s.t("%sから送れていません。ログはこのパソコンにためています。まだ失われていません。", "This began %s. The logs are kept on this machine and not lost.", since)
		w.todo("act", s.t("LANケーブルが抜けていないか、ほかのパソコンから庁外に通信できるか確かめてください。", "Check the network cable, and whether other PCs can reach the outside."))
		w.todo("act", s.t("30分たっても戻らないときは、下の連絡先に電話してください。電源は切らないでください。", "If it does not come back within 30 minutes, call the contact below. Leave the power on."))
	case Full:
		w.Headline = s.t("ためる場所がいっぱいです", "There is no more room")
		w.Sub = s.t("%sから、新しいログの一部を受け取れていません。", "Since %s some new logs cannot be taken.", since)
		w.todo("act", s.t("すぐに下の連絡先に電話してください。電源は切らないでください。", "Call the contact below now. Leave the power on."))
	case Begun:
		w.Headline = s.t("県への接続を待っています", "Waiting for the prefecture")
		w.Sub = s.t("動き始めたところです。ログはためています。1分ほどお待ちください。", "It has just begun. Logs are kept meanwhile. Wait a minute.")
		if w.Level == "good" {
			w.Level = "look"
		}
	case Behind:
		w.Headline = s.t("たまったログを送っています", "Catching up")
		w.Sub = s.t("回線が混んでいるか、止まっていた間のログを送っている途中です。待っていれば戻ります。", "The line is busy, or logs from an interruption are on their way. It will catch up by itself.")
		if w.Level == "good" {
			w.Level = "look"
		}
	default:
		w.Headline = s.t("正常に動いています", "All is well")
		w.Sub = s.t("受け取ったログは、すぐに県へ送られています。", "Logs go to the prefecture as they come.")
	}
	waits := s.t("ありません", "nothing")
	if r.Spool.Frames > 0 {
		waits = s.t("%s個", "%s packets", number(r.Spool.Frames))
		if r.Spool.Bytes > 0 {
			waits += s.t("（%s）", " (%s)", size(r.Spool.Bytes))
		}
		if !r.Spool.Oldest.IsZero() {
			waits += s.t("。最も古いものは%s", ", the oldest from %s", s.ago(r.Spool.Oldest))
		}
	}
	level := ""
	if room := float64(r.Spool.Bytes) / math.Max(1, float64(r.Spool.MaxBytes)); room > roomLook {
		level = "act"
		w.todo("act", s.t("ためる場所の%d%%を使いました。いっぱいになる前に、下の連絡先に電話してください。", "%d%% of the room is used. Call the contact below before it is full.", int(room*100)))
	}
	if r.Trouble != "" && r.Sending != Fine {
		w.Facts = append(w.Facts, fact{s.t("送れない理由（連絡先に伝えてください）", "Why (tell the contact)"), r.Trouble, "act"})
	}
	w.Facts = append(w.Facts,
		fact{s.t("送信待ち", "Waiting"), waits, level},
		fact{s.t("ためられる量", "Room"), size(r.Spool.MaxBytes), ""},
		fact{s.t("送り先", "Sends to"), strings.Join(r.To, s.t("、", ", ")), ""},
		fact{s.t("動き始めた時刻", "Running since"), s.t("%s（%s）", "%s (%s)", s.clock(r.Started), s.ago(r.Started)), ""},
	)
}

func (w *words) clock(r *Report, s speaker) {
	text, level := s.t("合っています", "right"), ""
	if r.Sending == Begun {
		text = s.t("まだ確かめていません", "not yet compared")
	}
	if off := math.Abs(r.Offset); off >= clockLook {
		way := s.t("進んで", "fast")
		if r.Offset < 0 {
			way = s.t("遅れて", "slow")
		}
		span := s.span(time.Duration(off * float64(time.Second)))
		text, level = s.t("%s%sいます", "%s %s", span, way), "look"
		w.todo("look", s.t("このパソコンの時計が%s%sいます。時刻合わせ（NTP）の設定を確かめてください。", "This machine's clock is %s %s. Check its time settings (NTP).", span, way))
	}
	w.Facts = append(w.Facts, fact{s.t("時計", "Clock"), text, level},
		fact{s.t("版", "Version"), r.Version + " " + r.Platform, ""})
	if r.Config > 0 {
		w.Facts = append(w.Facts, fact{s.t("設定の版", "Configuration"), strconv.FormatUint(r.Config, 10), ""})
	}
}

func (w *words) sources(r *Report, s speaker) {
	w.Heads = []string{s.t("送り元", "Source"), s.t("最後のログ", "Last log"), s.t("受け取った件数", "Received"), s.t("伏せた件数", "Masked"), s.t("失われた件数", "Lost")}
	for i := range r.Sources {
		x := &r.Sources[i]
		lost, last := sum(x.Dropped), s.ago(x.LastLine)
		row := row{Level: "good", Note: x.Trouble}
		lostLevel := ""
		switch {
		case x.Trouble != "":
			row.Level = "look"
			w.todo("look", s.t("%s：うまく動いていない所があります（下の表）。続くときは連絡先に伝えてください。", "%s: something is wrong (see the table). If it goes on, tell the contact.", x.Source))
		case x.LastLine.IsZero():
			row.Level = "look"
			w.todo("look", s.t("%s：起動してから何も届いていません。機器の電源と、機器のログの送り先を確かめてください。", "%s: nothing has come since the start. Check that the device is on and where it sends its logs.", x.Source))
		}
		if lost > 0 {
			lostLevel = "act"
		}
		row.Cells = []fact{
			{w.Heads[0], x.Source + s.t("（", " (") + zone(x.Zone, s) + s.t("・", ", ") + x.Kind + s.t("）", ")"), ""},
			{w.Heads[1], last, ""},
			{w.Heads[2], number(x.Lines), ""},
			{w.Heads[3], number(sum(x.Masked)), ""},
			{w.Heads[4], number(lost), lostLevel},
		}
		w.Sources = append(w.Sources, row)
	}
}

func zone(z string, s speaker) string {
	switch z {
	case "mynumber":
		return s.t("マイナンバー利用事務系", "My Number zone")
	case "lgwan":
		return s.t("LGWAN接続系", "LGWAN zone")
	case "internet":
		return s.t("インターネット接続系", "Internet zone")
	}
	return z
}

func (w *words) certificates(r *Report, s speaker) {
	certs := slices.Clone(r.Certificates)
	slices.SortStableFunc(certs, func(a, b certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	for _, c := range certs {
		f := fact{c.Subject + s.t("（", " (") + c.What + s.t("）", ")"), s.t("%sまで", "until %s", s.clock(c.NotAfter)), ""}
		left := c.NotAfter.Sub(s.now)
		switch {
		case left <= 0:
			f.Level = "act"
			w.todo("act", s.t("証明書「%s」の期限が切れています。下の連絡先に電話してください。", "Certificate %q has expired. Call the contact below.", c.Subject))
		case left < certLook:
			f.Level = "look"
			w.todo("look", s.t("証明書「%s」の期限まで%sです。早めに下の連絡先に伝えてください。", "Certificate %q ends in %s. Tell the contact below soon.", c.Subject, s.span(left)))
		}
		w.Certificates = append(w.Certificates, f)
	}
}

func (w *words) labels(s speaker) {
	w.Labels = map[string]string{
		"todo": s.t("していただきたいこと", "What to do"), "nothing": s.t("していただくことはありません。この画面は閉じてかまいません。", "Nothing to do. You may close this page."),
		"call": s.t("連絡先", "Whom to call"), "sources": s.t("ログの送り元", "Sources"), "state": s.t("収集器の様子", "The collector"),
		"certificates": s.t("証明書の期限", "Certificates"), "nocerts": s.t("証明書は使っていません。", "No certificates are used."),
		"asof": s.t("%s の様子です。15秒ごとに自動で新しくなります。", "As of %s; renewed every 15 seconds.", w.Now), "note": s.t("不調", "Trouble"),
		"good": s.t("正常", "Good"), "look": s.t("注意", "Look"), "act": s.t("要対応", "Act now"),
	}
}
