package drift

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/ingest/device"
	"mimamori/internal/calendar"
)

// Rule is the id of the rule that drifts are alerts of.
const Rule = "mimamori-drift"

// version changes when the texts or the judgement do.
const version = "1"

// alert makes the alert of what a class shows. Its identity is the device, the
// format and the moment at which it began.
func (x *observation) alert(k *class) event.Alert {
	r := x.row
	key := "collector=" + r.Collector + " source=" + r.Source
	if r.Device != "" {
		key += " device=" + r.Device
	}
	if r.Dataset != "" {
		key += " event.dataset=" + r.Dataset
	}
	start := time.Unix(k.Begun, 0).UTC()
	a := event.Alert{
		ID:   event.AlertID(Rule, version, x.o.Municipality, key, start),
		Rule: Rule, Version: version, Severity: event.Medium, Municipality: x.o.Municipality, Zone: x.o.Zone, Key: key,
		Start: start, End: time.Unix(x.o.At, 0).UTC(), Count: int(k.N),
	}
	name := r.Device
	if name == "" {
		name = r.Source
	}
	if r.Dataset == "" {
		unreadText(&a, name, k)
	} else {
		fieldsText(&a, name, r.Key, k)
	}
	if k.Example.JSON != nil {
		ref := k.Example.Ref
		ref.Collector, ref.Source = r.Collector, r.Source
		a.Events, a.Count = []event.Evidence{{Ref: ref, JSON: k.Example.JSON}}, 1
	}
	return a
}

func unreadText(a *event.Alert, name string, k *class) {
	percent := 0
	if len(k.Suspects) > 0 {
		percent = int(k.Suspects[0].P) * 100 / whole
	}
	a.Title = event.Localized{JA: name + "のログに読み取れない行が増えました", EN: "More lines of " + name + " cannot be read"}
	a.Explain = event.Localized{
		JA: fmt.Sprintf("行の%d%%が、書式に合わないか、必要な項目を欠いています。機器の更新や設定変更で書式が変わったとみられます。ログは保存されていますが、読み取れない行は検知の対象になりません。", percent),
		EN: fmt.Sprintf("%d%% of the lines are of no format, or lack what they need: the device was probably updated or set differently. The lines are stored, but rules do not see those that cannot be read.", percent),
	}
	a.Respond = steps()
}

func fieldsText(a *event.Alert, name string, key device.Key, k *class) {
	var gone, fresh []string
	for _, s := range k.Suspects {
		if s.Rise {
			fresh = append(fresh, s.Field.Name())
		} else {
			gone = append(gone, s.Field.Name())
		}
	}
	slices.Sort(gone)
	slices.Sort(fresh)
	kind := strings.TrimSpace(k.Code + " " + k.Action)
	ja, en := "書式 "+key.Dataset, "Format "+key.Dataset
	if kind != "" {
		ja, en = ja+"（"+kind+"）", en+" ("+kind+")"
	}
	ja, en = ja+"のログが、この機器のこれまでと違います。", en+": the log is not what this device used to send. "
	if len(gone) > 0 {
		ja += "空になった項目: " + strings.Join(gone, "、") + "。"
		en += "Fields that are empty now: " + strings.Join(gone, ", ") + ". "
	}
	if len(fresh) > 0 {
		ja += "新しい未知の項目: " + strings.Join(fresh, "、") + "。"
		en += "New keys that nobody knows: " + strings.Join(fresh, ", ") + ". "
	}
	a.Title = event.Localized{JA: name + "のログの書式が変わりました", EN: "The log of " + name + " has changed its format"}
	a.Explain = event.Localized{
		JA: ja + "機器の更新や設定変更によるとみられます。この項目を見る検知ルールは働きません。",
		EN: en + "The device was probably updated or set differently. Rules that look at these fields see nothing.",
	}
	a.Respond = steps()
}

func steps() event.Steps {
	return event.Steps{
		JA: []string{
			"機器の更新（ファームウェア）や、ログの設定の変更がなかったか、機器の担当者か保守業者に聞く",
			"証拠の行を開き、ふだんの行と何が違うか見る",
			"県の分析担当に書式の直しを頼む。県では mimamori formats coverage で読めない行の形を調べる",
			"心当たりのない変更なら、機器に触らず県の分析担当へ電話する",
		},
		EN: []string{
			"Ask who looks after the device, or the maker's service, whether it was updated or its log settings were changed",
			"Open the example line and see what differs from those before",
			"Ask the prefecture's analysts to mend the format; there, mimamori formats coverage shows the shapes of lines that cannot be read",
			"If nobody knows of a change, leave the device alone and call the prefecture's analysts",
		},
	}
}

func noteOver(at int64) event.Localized {
	t := time.Unix(at, 0).In(calendar.JST())
	return event.Localized{
		JA: "ログがまたこれまでどおりになりました（" + t.Format("1月2日15時04分") + "）。",
		EN: "The log is again what it was (" + t.Format("2006-01-02 15:04") + " JST).",
	}
}

var noteAdopted = event.Localized{
	JA: "8日続いたため、今の書式をこの機器のふだんの書式として扱います。",
	EN: "It has lasted for eight days and is now taken for what this device usually sends.",
}

// Report is a drift that is not over.
type Report struct {
	device.Key
	Municipality string
	Alert        string    // id of its alert
	Since        time.Time // when it was told
}

// Reports lists what has changed and was told, what can't be read
// first.
func (d *Drift) Reports() []Report {
	var out []Report
	for _, row := range slices.Concat(d.senders.Rows(), d.table.Rows()) {
		if c := &row.Value; c.Alert != "" {
			out = append(out, Report{row.Key, row.Municipality, c.Alert, time.Unix(c.Since, 0)})
		}
	}
	return out
}
