package console

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"mimamori/soc"
	"mimamori/soc/erasure"
)

// signatory is an archive that certifies whatever it is told.
type signatory struct{}

func (signatory) Months(string) ([]string, error) { return nil, nil }

func (signatory) Certify(erasure.Account) (string, error) {
	return "erasures/000001.certificate", nil
}

func (signatory) CertificateText(name string) ([]byte, error) {
	return []byte("certificate " + name + "\n"), nil
}

// shelf is a place that may refuse.
type shelf struct{ err error }

func (*shelf) Name() string { return "検索 / searches" }

func (p *shelf) Erase(context.Context, erasure.Scope) (int64, error) { return 12345, p.err }

func (s *site) openErasures(t *testing.T) {
	t.Helper()
	s.shelf = &shelf{}
	var err error
	s.erase, err = erasure.Open(t.Context(), erasure.Config{
		Path: filepath.Join(t.TempDir(), "erasure.db"), Users: s.soc, Archive: signatory{}, Places: []erasure.Place{s.shelf}, Now: s.now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.erase.Close(); err != nil {
			t.Error(err)
		}
	})
}

// madeErasures fills the register with something of every kind. Its users are
// new, but tottori, who is there.
func (s *site) madeErasures(t *testing.T) {
	t.Helper()
	s.user(t, "soumu", soc.Admin)
	s.user(t, "yonago", soc.Municipality, yonago)
	ctx, now := t.Context(), s.clock.Load()
	month := func(n int) string { return s.now().AddDate(0, -n, 0).Format("2006-01") }
	s.clock.Add(-int64(9 * 24 * time.Hour))
	ask := func(by, town string, n int, why string) int64 {
		t.Helper()
		id, err := s.erase.Request(ctx, by, erasure.Scope{Municipality: town, Month: month(n)}, why)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	done, failing := ask("soumu", tottori, 26, "保存期間（2年）が過ぎたため"), ask("yonago", yonago, 26, "保存期間が過ぎたため")
	err := errors.Join(s.erase.Approve(ctx, "tottori", done), s.erase.Approve(ctx, "soumu", failing))
	s.clock.Store(now)
	refused, withdrawn, waiting, held := ask("soumu", tottori, 8, "委託先の変更に伴うもの"), ask("tottori", tottori, 9, "誤送信した月"), ask("tottori", tottori, 25, "保存期間が過ぎたため"), ask("yonago", yonago, 25, "保存期間が過ぎたため")
	ask("soumu", tottori, 24, "保存期間が過ぎたため")
	ask("tottori", tottori, 23, "保存期間が過ぎたため")
	err = errors.Join(err, s.erase.Run(ctx), s.erase.Refuse(ctx, "tottori", refused, "監査で使うため"), s.erase.Withdraw(ctx, "soumu", withdrawn, "月の間違い"),
		s.erase.Approve(ctx, "soumu", waiting), s.erase.Approve(ctx, "soumu", held), s.erase.SetHold(ctx, "soumu", erasure.Scope{Municipality: yonago}, "不正アクセス事案 令和8年第3号"))
	all, errAll := s.erase.Propose(ctx, "soumu", "", 24, "文書管理規程による保存期間")
	own, errOwn := s.erase.Propose(ctx, "yonago", yonago, 36, "町の規程")
	if err := errors.Join(err, errAll, errOwn, s.erase.Consent(ctx, "yonago", all, yonago), s.erase.Revoke(ctx, "soumu", own, "")); err != nil {
		t.Fatal(err)
	}
}
