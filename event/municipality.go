package event

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

//go:embed municipalities.csv
var municipalitiesCSV string

// Municipality is a local government: one of 47 prefectures or 1,741
// municipalities, or a ward, by its 全国地方公共団体コード.
type Municipality struct {
	Code       string // 6 digits, the last a check digit
	Prefecture string // 鳥取県
	Name       string // 鳥取市; "" for the prefecture itself
	English    string // Tottori; may be ""
}

// FullName is the name with its prefecture before it.
func (m Municipality) FullName() string { return m.Prefecture + m.Name }

// Title is the shortest name that a person would use.
func (m Municipality) Title() string {
	if m.Name == "" {
		return m.Prefecture
	}
	return m.Name
}

// ErrCode is returned for a municipality code that is not six digits or whose
// check digit does not fit.
var ErrCode = errors.New("no municipality code")

// CheckCode verifies a 6-digit code by the rule of the Ministry of Internal
// Affairs: weights 6,5,4,3,2 over the first five digits; the check digit is 11
// minus the sum's remainder by 11, last digit only. The error wraps ErrCode.
func CheckCode(code string) error {
	if len(code) != 6 {
		return fmt.Errorf("%q: %w: want 6 digits", code, ErrCode)
	}
	sum := 0
	for i := range 5 {
		c := code[i]
		if c < '0' || c > '9' {
			return fmt.Errorf("%q: %w: want 6 digits", code, ErrCode)
		}
		sum += int(c-'0') * (6 - i)
	}
	if want := byte('0' + (11-sum%11)%10); code[5] != want {
		return fmt.Errorf("%q: %w: the check digit should be %c", code, ErrCode, want)
	}
	return nil
}

// Municipalities is a table of codes.
type Municipalities struct {
	byCode map[string]Municipality
	codes  []string
}

// BuiltinMunicipalities returns the table that ships with the program: the 47
// prefectures and the municipalities of 鳥取県.
func BuiltinMunicipalities() *Municipalities {
	t, err := LoadMunicipalities(strings.NewReader(municipalitiesCSV))
	if err != nil {
		panic(err)
	}
	return t
}

// LoadMunicipalities reads the official table as CSV in UTF-8: code, prefecture,
// name, and any further columns, of which an alphabetic one is taken for the
// English name. Lines whose first column is no number (headers) are passed
// over. A wrong check digit is an error with its line.
func LoadMunicipalities(r io.Reader) (*Municipalities, error) {
	t := &Municipalities{byCode: map[string]Municipality{}}
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	c.LazyQuotes = true
	for {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("municipalities: %w", err)
		}
		code := strings.TrimPrefix(strings.TrimSpace(rec[0]), "\ufeff")
		if len(rec) < 3 || code == "" || strings.Trim(code, "0123456789") != "" {
			continue
		}
		if len(code) == 5 { // spreadsheets drop the leading zero
			code = "0" + code
		}
		if err := CheckCode(code); err != nil {
			line, col := c.FieldPos(0)
			return nil, fmt.Errorf("municipalities:%d:%d: %w", line, col, err)
		}
		m := Municipality{Code: code, Prefecture: strings.TrimSpace(rec[1]), Name: strings.TrimSpace(rec[2])}
		for _, x := range rec[3:] {
			if x != "" && x[0] < 0x80 {
				m.English = strings.TrimSpace(x)
			}
		}
		if _, twice := t.byCode[code]; !twice {
			t.codes = append(t.codes, code)
		}
		t.byCode[code] = m
	}
}

// Get finds a municipality by its code. An unknown code answers a Municipality
// whose name is the code, and false.
func (t *Municipalities) Get(code string) (Municipality, bool) {
	m, ok := t.byCode[code]
	if !ok {
		return Municipality{Code: code, Name: code}, false
	}
	return m, true
}

// Codes lists the codes in the table's order. Do not change the result.
func (t *Municipalities) Codes() []string { return t.codes }
