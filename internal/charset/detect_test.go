package charset

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
	"pgregory.net/rapid"
)

// encode writes text in an encoding; ok is false where it has no form there.
func encode(name, text string) (line []byte, ok bool) {
	var err error
	switch name {
	case CP932:
		line, err = japanese.ShiftJIS.NewEncoder().Bytes([]byte(text))
	case EUCJP:
		line, err = japanese.EUCJP.NewEncoder().Bytes([]byte(text))
	case ISO2022JP:
		line, err = japanese.ISO2022JP.NewEncoder().Bytes([]byte(text))
	case UTF16LE:
		for _, r := range text {
			line = append(line, byte(r), byte(r>>8))
		}
	default:
		line = []byte(text)
	}
	return line, err == nil
}

// wording makes lines as Japanese devices and PC operation logs write them.
type wording struct{ rnd *rand.Rand }

func (w wording) pick(words string) string {
	list := strings.Fields(words)
	return list[w.rnd.IntN(len(list))]
}

func (w wording) short() string {
	return w.pick("接続 失敗 成功 印刷 ログオン ログオフ 起動 停止 警告 情報 異常 切断 はい いいえ 有効 無効 正常 エラー 拒否 許可 削除 作成 変更 出力 入力 完了 中断 障害 復旧 監査 更新")
}

func (w wording) kana() string {
	return w.pick("ｴﾗｰ ﾃﾞｰﾀ ﾌｧｲﾙ ﾌﾟﾘﾝﾀ ﾕｰｻﾞ ｾｯｼｮﾝ ｻｰﾊﾞ ﾈｯﾄﾜｰｸ ﾛｸﾞ ﾊﾟｽﾜｰﾄﾞ ﾃｽﾄ ﾀﾅｶ ﾀﾛｳ ﾔﾏﾀﾞ ﾊﾅｺ ｽｽﾞｷ ｺｳｼﾝ ﾄｳﾛｸ ｼｭｳﾘｮｳ ｶｲｼ")
}

func (w wording) line() string {
	host, user, n := w.pick("PC-0123 srv01 fw01 LGWAN-PC07 総務-PC12 税務課端末３"), w.pick("sato tanaka 佐藤太郎 山田花子 鈴木一郎 渡邊"), w.rnd.IntN(1000)
	switch w.rnd.IntN(10) {
	case 0, 1:
		return fmt.Sprintf("<134>Nov 22 10:%02d:00 %s app[%d]: %s", n%60, host, n, w.short())
	case 2:
		return fmt.Sprintf("2026/11/22 10:%02d:00,%s,%s,%s,C:\\Users\\%s\\Desktop\\%s一覧_%d.xlsx", n%60, host, user, w.short(), user, w.pick("住民 税額 申請書 議事録 予算 会議資料"), n)
	case 3:
		return fmt.Sprintf("%s: ユーザー「%s」がファイルサーバへの接続に%sしました。(コード=%d)", host, user, w.short(), n)
	case 4:
		return fmt.Sprintf("%s %s:%s", host, w.kana(), w.kana())
	case 5:
		return w.kana()
	case 6:
		return fmt.Sprintf("url=http://intra.example/%d category=%s user=%s", n, w.pick("ニュース ショッピング 動画共有 政府・自治体 検索エンジン"), user)
	case 7:
		return fmt.Sprintf("プリンタ「複合機%d階」で%sが%sされました", n%9+1, w.pick("文書 帳票 ファイル 画像"), w.short())
	case 8:
		return fmt.Sprintf("%d,%s", n, w.short())
	default:
		return fmt.Sprintf("ウイルス対策：%sを検出し、%sしました（%s）", w.pick("不正プログラム トロイの木馬 スパイウェア"), w.pick("隔離 駆除 削除 遮断"), host)
	}
}

// confusion counts what n lines of each encoding were taken for.
func confusion(n int, fresh bool) map[string]map[string]int {
	out := map[string]map[string]int{}
	for _, name := range []string{UTF8, CP932, EUCJP, ISO2022JP, UTF16LE} {
		w, d := wording{rand.New(rand.NewPCG(1, 2))}, Detector{}
		out[name] = map[string]int{}
		for range n {
			text := w.line()
			line, ok := encode(name, text)
			if !ok || high([]byte(text)) == 0 {
				continue
			}
			if fresh {
				d = Detector{}
			}
			got := d.Observe(string(line))
			if got == "" {
				got = UTF8
			}
			out[name][got]++
		}
	}
	return out
}

// right fails where an encoding's share of lines taken for what they are is too small.
func right(t *testing.T, m map[string]map[string]int, least float64) {
	t.Helper()
	for name, took := range m {
		sum := 0
		for _, n := range took {
			sum += n
		}
		t.Logf("%-12s %v", name, took)
		if share := float64(took[name]) / float64(sum); share < least {
			t.Errorf("%s: %.4f right, want %.4f", name, share, least)
		}
	}
}

func TestASourcesLinesAreRecognised(t *testing.T) { right(t, confusion(20_000, false), 0.9999) }

func TestALineAloneIsMostlyRecognised(t *testing.T) {
	m := confusion(20_000, true)
	delete(m, UTF16LE) // without a mark and without ASCII a short line can't be told
	right(t, m, 0.99)
}

func TestAStandingChoiceFallsOnlyToClearEvidence(t *testing.T) {
	var d Detector
	feed := func(name, text string) string {
		line, _ := encode(name, text)
		return d.Observe(string(line))
	}
	for range 5 {
		feed(CP932, "ユーザーがファイルを削除しました")
	}
	if got := feed(CP932, "ﾄﾋ"); got != CP932 {
		t.Errorf("a short line of a CP932 source is %q", got)
	}
	if got := feed(EUCJP, "この行だけは別の機器が書いたものです"); got != EUCJP {
		t.Errorf("a line that is clearly another's is %q", got)
	}
	if got := feed(CP932, "ﾃｽﾄ"); got != CP932 {
		t.Errorf("one odd line changed the choice: %q", got)
	}
	for range 4 {
		feed(EUCJP, "装置を交換したあとは、すべての行がこうなる")
	}
	if got := feed(EUCJP, "接続"); got != EUCJP || d.standing != EUCJP {
		t.Errorf("%q, standing %q", got, d.standing)
	}
}

func TestWhatFitsNothingIsNotCalledJapanese(t *testing.T) {
	for _, line := range []string{"caf\xE9 ol\xE9", "\xFF\xFF\xFF\xFF", "\x80\x81\xFE\xFF\x00\x01"} {
		if got := Guess(line); got != "" {
			t.Errorf("%x: %s", line, got)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	line, _ := encode(CP932, "PC-0123: ユーザー「佐藤太郎」がファイルサーバへの接続に失敗しました。(コード=7)")
	var d Detector
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		d.Observe(string(line))
	}
}

func BenchmarkPlain(b *testing.B) {
	line := strings.Repeat("srcip=10.1.2.3 ", 43)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if !Plain(line) {
			b.Fatal()
		}
	}
}

func TestPlainIsWhatABytewiseLookSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := rapid.SliceOf(rapid.OneOf(rapid.ByteRange(0x20, 0x7F), rapid.ByteRange(0x20, 0x7F), rapid.ByteRange(0x20, 0x7F), rapid.Byte())).Draw(rt, "line")
		want := true
		for _, c := range b {
			want = want && c >= 0x20 && c < 0x80
		}
		if got := Plain(string(b)); got != want {
			rt.Errorf("%x: %v", b, got)
		}
	})
}

func TestOddBytesBeforePlainTextAreNoByteOrderMark(t *testing.T) {
	var d Detector
	for _, line := range []string{"\xff\xfe not a character \x80", "\xfe\xff<134>Nov 22 10:00:00 fw1 kernel: DROP"} {
		if name := d.Observe(line); name == UTF16LE || name == UTF16BE {
			t.Errorf("%q is taken for %s", line, name)
		}
	}
	if name := d.Observe("\xff\xfeD\x00R\x00O\x00P\x00 \x00a\x00"); name != UTF16LE {
		t.Errorf("UTF-16 with its mark is taken for %q", name)
	}
}
