package collector

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mimamori/frame"
)

func TestUTF16FileIsReadLineByLine(t *testing.T) {
	for _, big := range []bool{false, true} {
		charset := map[bool]string{true: "utf-16be", false: "utf-16le"}[big]
		t.Run(charset, func(t *testing.T) {
			in, path := fileIn(t, "app.log")
			key := newKey(t)
			p := newPrefecture(t, key)
			u := start(t, config(t, in), key, p.conn)
			want := []string{"時刻,コンピュータ,操作", "2026,PC-1,表示", "", "上", "ਊ"} // the last two have 0x0A in them
			text := wide("\ufeff"+want[0]+"\r\n"+want[1]+"\r\n", big)
			write(t, path, string(text[:len(text)-1])) // half a newline
			u.shipped("files", 1)
			u.stop()
			write(t, path, string(text[len(text)-1:]))
			u = start(t, u.cfg, key, p.conn)
			write(t, path, string(wide("\n"+want[3]+"\n"+want[4]+"\n", big)))
			u.shipped("files", 4)
			recs, _ := p.records("files")
			for i, r := range recs {
				if r.Line != string(wide(want[i], big)) || r.Charset != charset || r.Offset%2 != 0 {
					t.Errorf("%d: %q %s at %d", i, r.Line, r.Charset, r.Offset)
				}
			}
			if len(recs) != len(want) || recs[0].Offset != 2 {
				t.Errorf("%d records, the first at %d", len(recs), recs[0].Offset)
			}
		})
	}
}

func TestLongLineOfUTF16IsCutAndTheRestGoesOn(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	write(t, path, string(wide("\ufeffa\r\n"+strings.Repeat("ਊ", 700_000)+"\r\n"+strings.Repeat("上", 200_000)+"\r\nb\r\n", false)))
	u.shipped("files", 4)
	recs, _ := p.records("files")
	for i, n := range []int{2, 1 << 20, 400_000, 2} {
		if len(recs[i].Line) != n {
			t.Errorf("record %d of %d bytes, want %d", i, len(recs[i].Line), n)
		}
	}
	if recs[1].Flags&frame.Truncated == 0 || recs[1].Total != 1_400_002 {
		t.Errorf("%d of %d", recs[1].Flags, recs[1].Total)
	}
}

func TestUnfinishedRecordIsTakenAfterQuiet(t *testing.T) {
	in, path := fileIn(t, "app.log")
	in.Multiline = &Multiline{Begin: `^\d`, Timeout: 200 * time.Millisecond}
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	write(t, path, "1 a\n b\n2 c\n")
	u.shipped("files", 1)
	if n := u.Stats().Sources[0].Lines; n != 1 {
		t.Errorf("%d records at once", n)
	}
	u.shipped("files", 2)
	write(t, path, " late\n3 d\n e\n")
	u.shipped("files", 4)
	sameLines(t, []string{"1 a\n b", "2 c", " late", "3 d\n e"}, fromFiles(t, p))
}

func TestHalfARecordIsReadAgainAfterARestart(t *testing.T) {
	in, path := fileIn(t, "app.log")
	in.Multiline = &Multiline{Begin: `^\d`, Timeout: time.Minute}
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	write(t, path, "1 a\n b\n2 c\n")
	u.shipped("files", 1)
	u.stop()
	u = start(t, u.cfg, key, p.conn)
	write(t, path, " d\n3\n")
	u.shipped("files", 1)
	rename(t, path, path+".old") // and the last one when the file has ended
	u.shipped("files", 2)
	sameLines(t, []string{"1 a\n b", "2 c\n d", "3"}, fromFiles(t, p))
}

func TestRecordsLargerThanABuffer(t *testing.T) {
	in, path := fileIn(t, "app.log")
	in.Multiline = &Multiline{Begin: `^BEGIN`, MaxBytes: 1 << 20, MaxLines: 100_000, Timeout: 200 * time.Millisecond}
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	line := strings.Repeat("x", 99) + "\n"
	write(t, path, "BEGIN 1\n"+strings.Repeat(line, 6000)+"BEGIN 2\n"+strings.Repeat(line, 15_000)+"BEGIN 3\n"+strings.Repeat("y", 2<<20)+"\nBEGIN 4\n")
	u.shipped("files", 6)
	recs, _ := p.records("files")
	var got []string
	total := 0
	for _, r := range recs {
		got = append(got, fmt.Sprintf("%.7s %d %d %d", r.Line, len(r.Line), r.Flags, r.Total))
		total += len(r.Line)
	}
	limit := 8 + (1<<20-7)/100*100 - 1
	want := []string{
		fmt.Sprintf("BEGIN 1 %d 0 0", 7+600_000), fmt.Sprintf("BEGIN 2 %d 2 0", limit), fmt.Sprintf("xxxxxxx %d 0 0", 8+1_500_000-limit-2),
		"BEGIN 3 7 2 0", fmt.Sprintf("yyyyyyy %d 2 %d", 1<<20, 2<<20), "BEGIN 4 7 0 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestHeaderIsKnownAgainAfterARestart(t *testing.T) {
	in, path := fileIn(t, "log.csv")
	in.CSV = &CSV{Header: "^時刻,"}
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	write(t, path, "\ufeff検索条件,すべて\n時刻,内容\n1,a\n")
	u.shipped("files", 3)
	write(t, path, "時刻,内容,備考\n2,\"b\n")
	u.shipped("files", 4)
	u.stop()
	u = start(t, u.cfg, key, p.conn)
	write(t, path, "b\",x\n")
	u.shipped("files", 1)
	u.stop()
	rename(t, path, path+".1") // and of the file that comes next
	u = start(t, u.cfg, key, p.conn)
	write(t, path, "時刻,別\n3,c\n")
	u.shipped("files", 2)
	recs, _ := p.records("files")
	sameLines(t, []string{"検索条件,すべて", "時刻,内容", "1,a", "時刻,内容,備考", "2,\"b\nb\",x", "時刻,別", "3,c"}, lines(recs))
	for i, want := range []string{"", "時刻,内容", "時刻,内容", "時刻,内容,備考", "時刻,内容,備考", "時刻,別", "時刻,別"} {
		if recs[i].Header != want {
			t.Errorf("%q has header %q", recs[i].Line, recs[i].Header)
		}
	}
}

func TestSourceThatStartsAtTheEndLeavesWhatIsThere(t *testing.T) {
	in, path := fileIn(t, "*.csv")
	in.CSV, in.Start = &CSV{}, "end"
	a, b := filepath.Join(filepath.Dir(path), "a.csv"), filepath.Join(filepath.Dir(path), "b.csv")
	write(t, a, "x,y\n1,2\n3,")
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	eventually(t, "it is seen", func() bool { return u.Stats().Sources[0].Files == 1 })
	write(t, a, "4\n")
	u.shipped("files", 1)
	write(t, b, "p,q\n5,6\n") // it came later
	u.shipped("files", 3)
	u.stop()
	c := filepath.Join(filepath.Dir(path), "c.csv")
	write(t, c, "r,s\n")
	u = start(t, u.cfg, key, p.conn)
	u.shipped("files", 1)
	recs, _ := p.records("files")
	sameLines(t, []string{"3,4", "p,q", "5,6", "r,s"}, lines(recs))
	if recs[0].Header != "x,y" || recs[2].Header != "p,q" {
		t.Errorf("%+v", recs)
	}
}

func TestFilesInFoldersBelow(t *testing.T) {
	in, path := fileIn(t, "**/*.log")
	root := filepath.Dir(path)
	in.Exclude = []string{"debug*", filepath.Join(root, "skip", "**")}
	deep := filepath.Join(root, "a", "b", "c")
	for _, dir := range []string{deep, filepath.Join(root, "skip", "d")} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(root, filepath.Join(deep, "circle")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"top.log", "a/one.log", "a/b/c/deep.log", "a/debug.log", "a/other.txt", "skip/d/no.log"} {
		write(t, filepath.Join(root, name), name+"\n")
	}
	key := newKey(t)
	p := newPrefecture(t, key)
	u := start(t, config(t, in), key, p.conn)
	u.shipped("files", 3)
	write(t, filepath.Join(root, "a", "b", "new.log"), "new\n")
	u.shipped("files", 4)
	got := fromFiles(t, p)
	slices.Sort(got[:3])
	sameLines(t, []string{"a/b/c/deep.log", "a/one.log", "top.log", "new"}, got)
}

func TestEveryFileIsKnownAfterManyRestarts(t *testing.T) {
	in, path := fileIn(t, "*.log")
	a, b := filepath.Join(filepath.Dir(path), "a.log"), filepath.Join(filepath.Dir(path), "b.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	cfg := config(t, in)
	write(t, a, "a1\n")
	write(t, b, "b1\n")
	u := start(t, cfg, key, p.conn)
	u.shipped("files", 2)
	for i := range 3 { // b is quiet all the time
		u.stop()
		u = start(t, cfg, key, p.conn)
		write(t, a, fmt.Sprintf("a%d\n", i+2))
		u.shipped("files", 1)
	}
	got := fromFiles(t, p)
	slices.Sort(got)
	sameLines(t, []string{"a1", "a2", "a3", "a4", "b1"}, got)
}
