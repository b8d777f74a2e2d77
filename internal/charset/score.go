package charset

import "sync"

// maxScored is how many bytes of a line are scored.
const maxScored = 8 << 10

// plausibility is how well bytes read as Japanese in one encoding.
type plausibility struct {
	points  int // high for what people write, per byte
	invalid int // bytes that fit nothing
}

// score judges the characters outside ASCII.
func score(name string, line []byte) plausibility {
	var p plausibility
	before := rune(' ')
	for i, r := range Runes(name, line) {
		if i >= maxScored {
			break
		}
		switch {
		case r >= Invalid:
			p.invalid++
			p.points -= 30
		case r >= 0x80:
			p.points += points(r, before, name)
		}
		before = r
	}
	return p
}

// points says how usual a character is after another. Two bytes of usual text
// give about 20. Each encoding's text, read as the other, is full of rare
// characters: half-width kana and punctuation without order, or rare kanji.
func points(r, before rune, name string) int {
	switch {
	case r >= 0x3041 && r <= 0x3093: // hiragana
		return 24
	case r >= 0x30A1 && r <= 0x30F6, r == 'ー':
		if r == 'ー' && !katakana(before) {
			return -20
		}
		return 22
	case r >= 0xFF61 && r <= 0xFF9F:
		return halfWidth(r, before, name)
	case r >= 0x4E00 && r <= 0x9FFF:
		if common()[r] {
			return 26
		}
		if firstLevel(r) {
			return 3
		}
		return -14
	case r >= 0x3001 && r <= 0x3011, r == '・', r == '　':
		return 10
	case r >= 0xFF01 && r <= 0xFF5E: // full-width letters, digits and signs
		if r >= '０' && r <= '９' || r == '：' || r == '（' || r == '）' {
			return 20
		}
		return 8
	case r >= 0x2460 && r <= 0x2473, r == '㈱', r == '№', r == '～', r == '→', r == '※', r == '●', r == '○', r == '■', r == '－':
		return 8
	case r >= 0xE000 && r <= 0xE757: // user-defined
		return -20
	case r >= 0xF8F0 && r <= 0xF8F3, r == 0x80:
		return -30
	}
	return -10
}

func katakana(r rune) bool { return r >= 0x30A1 && r <= 0x30FC }

// halfWidth judges half-width kana. Single bytes in CP932, they are what
// EUC-JP's bytes look like there; so they must follow each other as kana do.
func halfWidth(r, before rune, name string) int {
	kana := before >= 0xFF66 && before <= 0xFF9F
	if name == EUCJP { // two bytes, of which the first, 0x8E, is often one of CP932's too, but not twice
		if kana {
			return 28
		}
		return 8
	}
	switch r {
	case 'ﾞ':
		if before >= 'ｶ' && before <= 'ﾄ' || before >= 'ﾊ' && before <= 'ﾎ' || before == 'ｳ' {
			return 34
		}
		return -40
	case 'ﾟ':
		if before >= 'ﾊ' && before <= 'ﾎ' {
			return 36
		}
		return -40
	case 'ｰ', 'ｧ', 'ｨ', 'ｩ', 'ｪ', 'ｫ', 'ｬ', 'ｭ', 'ｮ', 'ｯ':
		if !kana {
			return -16
		}
		return 14
	case '､', '｡', '｢', '｣', '･', 'ｦ':
		if r == before || before >= 0xFF61 && before <= 0xFF65 {
			return -20
		}
		return -6
	}
	if kana || before < 0x80 {
		return 9
	}
	return -2
}

// firstLevel tells whether a kanji is one of JIS level 1.
func firstLevel(r rune) bool { return levelOne()[r] }

var levelOne = sync.OnceValue(func() map[rune]bool {
	m := make(map[rune]bool, 3000)
	for a := byte(0xB0); a <= 0xCF; a++ {
		for b := byte(0xA1); b <= 0xFE; b++ {
			m[pair0208(a, b)] = true
		}
	}
	return m
})

// common holds kanji that log lines, file names, offices and people's names
// are full of.
var common = sync.OnceValue(func() map[rune]bool {
	m := map[rune]bool{}
	for _, r := range commonKanji {
		m[r] = true
	}
	return m
})

const commonKanji = "一二三四五六七八九十百千万円年月日時分秒週曜午前後今明昨毎回次初終最新旧" +
	"接続失敗成功開始終了停止再起動実行処理完了異常正常警告情報通知報告確認承認認証許可拒否禁止制限" +
	"端末機器装置設定変更更新追加削除登録解除作成編集保存読込書込取得送信受信転送配信要求応答結果" +
	"利用使用者名前番号管理監視検知検出検査検索遮断隔離駆除感染脅威攻撃侵入不正違反漏洩暗号化復元号" +
	"印刷文書資料帳票台帳申請届出証明住民税務課係長部局室庁舎市町村県府都道国区役所職員会計財政総" +
	"福祉健康保険年金介護児童生活環境建設土木水道農林商工観光教育委員学校図書館議会選挙戸籍個人法" +
	"電話線無有内外部署社員番地址住所氏姓性別男女生死産業務事故件数量値計算集合計平均上下左右中大" +
	"小高低長短多少全部分割合種類形式型版本体系統計画面表示画像音声動画写真添付書類様式欄項目行列" +
	"通信回線網接点路由経路宛先元先方向入出力口座金額料費用品物在庫注文発注受付窓口担当責任権限付" +
	"与共有専用公開非秘密重要緊急普通標準特殊別紙参照引用関連対象範囲条件規則規約契約期限期間日程" +
	"予定実績評価調査分析試験訓練研修講習会場議事録音記録履歴証跡操作起因原因理由目的方法手順案" +
	"内容説明質問回答相談連絡提出添削除外格納格付移動複写貼切取消済未既存在不可能必須任意自動手" +
	"例外処置対応措置改善改修正誤訂補足充電池源電圧温度湿度気圧風雨雪災害防犯火消救急病院医療薬局" +
	"山川田中村木本林森石井上下野原島崎藤佐伊加鈴高橋渡辺斎小松竹内清水岡谷口坂西東南北浜沢池" +
	"和平正明美子郎夫雄一幸恵真由紀香織里奈智也太健誠隆博浩秀樹直哉優花愛海陽翔結菜鳥取米倉吉" +
	"境港岩若桜頭朝八智湯梨琴浦栄伯耆南部日野江府京阪神奈愛媛徳福岡熊鹿児沖縄北海青森秋宮城形" +
	"新潟富士静岐阜三重滋賀兵庫和歌根広口香川知佐長分崎千葉埼玉茨栃群馬梨" +
	"見聞読書話語言葉文字句章節段落題名称号令和平成昭元号式典礼状態況勢力点線面積体重身長寸法" +
	"我々他各両片毎再最良悪好意味思考知識技術能力経験歴史社会科学研究開発製造販売購買営業店舗" +
	"客様御中殿宛送付受領領収書請求払込振込入金出金残高税込抜率割引増減加減乗除差額超過以上以下未満" +
	"約束守備護衛警察署消防団隊員組合協同連盟盤板基礎底辺角度円形状球棒針糸布紙箱袋瓶缶" +
	"閉開扉鍵錠窓壁床天井階段廊室庭園道路橋駅車両船空港便宅配達着発到達遅延早速急停滞留守番" +
	"越境誤送複数単独同一異種相互両方双方片側右側左側前回次回今回毎回当日翌日前日本日当該該当" +
	"仮想物理論理層級階位順序列挙選択候補判定断決定裁量押印捺署名欄外枠内訳詳細概要要約略称" +
	"切替換交換代替予備冗長故障障害復旧修理保守点検交代勤務出退勤怠休暇残業給与賃貸借返却済"
