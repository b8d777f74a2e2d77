package cli

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"time"

	"mimamori/internal/app"
	"mimamori/internal/calendar"
)

// showReplay prints the account of a replay for people.
func (p *program) showReplay(r *app.Replayed) {
	out := bufio.NewWriter(p.Out)
	fmt.Fprintf(out, "保存先になかったフレーム wanted %d, 保存 stored %d frames, %d events\n", r.Wanted, r.Frames, r.Stored)
	for _, n := range []struct {
		n    uint64
		text string
	}{
		{r.OverAge, "保存期間を過ぎたため戻さなかったイベント / events left out: retention would take them"},
		{r.TooOld, "保存期間より前に届いたフレーム / frames that arrived before all that retention keeps"},
		{r.Uncertain, "機器の時計を、過去の一部だけで判定したイベント / events whose device's clock was judged without all of its past"},
		{r.Unread, "開けたが読めなかったフレーム / frames that were opened and can't be unpacked"},
		{r.Waiting, "台帳にないフレーム（サービスがこれから保存するか、台帳が失われた場合はサービスを止めて再実行） / frames that the ledger does not name: the service has yet to store them; if its ledger was lost, stop it and run this again"},
	} {
		if n.n > 0 {
			fmt.Fprintf(out, "%8d  %s\n", n.n, n.text)
		}
	}
	for _, month := range slices.Sorted(maps.Keys(r.Erased)) {
		fmt.Fprintf(out, "消去済み / erased, passed over: %s (%d frames)\n", month, r.Erased[month])
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Unopened)) {
		fmt.Fprintf(out, "復号できず / not opened: %d frames (%s)\n", r.Unopened[reason], reason)
	}
	for _, place := range r.Damaged {
		fmt.Fprintf(out, "アーカイブの損傷 / damaged in the archive: %s\n", harmless(place))
	}
	for _, x := range r.Incomplete {
		fmt.Fprintf(out, "アーカイブにない / not in the archive: %s %s/%s/%d %d-%d\n", x.Municipality, x.Collector, x.Source, x.Epoch, x.First, x.Last)
	}
	if r.More > 0 {
		fmt.Fprintf(out, "ほか / and %d more\n", r.More)
	}
	for _, text := range r.Left {
		fmt.Fprintf(out, "損傷したまま残したファイル / damaged and left as it is: %s\n", text)
	}
	for _, file := range r.SetAside {
		fmt.Fprintf(out, "もう不要です（削除してもよい） / not needed any more, may be deleted: %s\n", file)
	}
	for _, file := range r.Still {
		fmt.Fprintf(out, "まだ戻っていないイベントがあります / something of it is still lost: %s\n", file)
	}
	if r.Alerts != nil {
		showCompared(out, r.Alerts)
	}
	_ = out.Flush() // as fmt.Fprintf to the same
}

// showCompared prints what the rules found beside the record.
func showCompared(out *bufio.Writer, a *app.Compared) {
	fmt.Fprintf(out, "\n検知 alerts found %d", a.Found)
	if a.Compared {
		fmt.Fprintf(out, ", 記録と同じ as recorded %d, 追加 added %d, 記録のみ missing %d", a.Same, len(a.Added), len(a.Missing))
	}
	fmt.Fprintf(out, ", 登録 inserted %d\n", a.Inserted)
	for _, list := range []struct {
		mark  string
		finds []app.Finding
	}{{"+", a.Added}, {"-", a.Missing}} {
		for _, x := range list.finds {
			fmt.Fprintf(out, "  %s %s  %-28s %s  %s (%d)\n", list.mark, x.Start.In(calendar.JST()).Format(time.DateTime), x.Rule, x.Municipality, harmless(x.Key), x.Count)
		}
	}
	if a.More > 0 {
		fmt.Fprintf(out, "  ほか / and %d more\n", a.More)
	}
}
