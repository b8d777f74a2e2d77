package enrich

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"mimamori/event"
	"mimamori/internal/place"
)

// maxAssets bounds the rows of one town's list.
const maxAssets = 200_000

// asset is what a town says of one of its machines or networks: values of the
// fields in the order of assetName and the others, "" for none.
type asset [assetFields]string

// set puts what the device did not say itself.
func (a *asset) set(x *event.Builder, fields *[assetFields]event.Field) {
	for i, s := range a {
		addText(x, fields[i], s)
	}
}

// assets are those of one town.
type assets struct {
	byAddress networks[*asset]
	byName    map[string][]inZone[*asset] // small letters
}

// assetRow is an entry of the file; address is an address, a network or the
// name of a host, host one more name.
type assetRow struct {
	Address     string `yaml:"address"`
	Host        string `yaml:"host"`
	Zone        string `yaml:"zone"` // "" for every one; a collector's zone decides between two entries for one address
	Name        string `yaml:"name"`
	Owner       string `yaml:"owner"`
	Role        string `yaml:"role"`
	Criticality string `yaml:"criticality"`
}

// assetColumns are the headings of a CSV file, as people write them.
var assetColumns = map[string]int{
	"address": 0, "ip": 0, "cidr": 0, "アドレス": 0, "ipアドレス": 0, "ネットワーク": 0,
	"host": 1, "hostname": 1, "ホスト名": 1, "コンピューター名": 1, "コンピュータ名": 1, "端末名": 1,
	"zone": 2, "領域": 2, "系統": 2,
	"name": 3, "名称": 3, "資産名": 3, "機器名": 3,
	"owner": 4, "department": 4, "所管課": 4, "担当課": 4, "部署": 4, "所管": 4, "管理者": 4,
	"role": 5, "用途": 5, "役割": 5, "種別": 5,
	"criticality": 6, "重要度": 6,
}

// assetZones and criticalities are the values by how people write them.
var (
	assetZones = map[string]string{
		"": "", event.ZoneMyNumber: event.ZoneMyNumber, event.ZoneLGWAN: event.ZoneLGWAN, event.ZoneInternet: event.ZoneInternet,
		"マイナンバー利用事務系": event.ZoneMyNumber, "LGWAN接続系": event.ZoneLGWAN, "インターネット接続系": event.ZoneInternet,
	}
	criticalities = map[string]string{
		"": "", "low": "low", "medium": "medium", "high": "high", "critical": "critical",
		"低": "low", "中": "medium", "高": "high", "最高": "critical",
	}
)

// readAssets reads a town's list: CSV with a header row or, by its name, YAML.
// A bad row is reported with its place, and the others are taken.
func readAssets(path string, report func(error)) (*assets, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	a := &assets{byName: map[string][]inZone[*asset]{}}
	if ext := filepath.Ext(path); ext == ".yaml" || ext == ".yml" {
		return a, a.yaml(path, text, report)
	}
	return a, a.csv(path, text, report)
}

func (a *assets) yaml(path, text string, report func(error)) error {
	var file struct {
		Assets []assetRow `yaml:"assets"`
	}
	doc, err := place.Decode(path, []byte(text), &file)
	if err != nil {
		return err
	}
	if len(file.Assets) > maxAssets {
		return fmt.Errorf("%s: %d entries; at most %d are taken", path, len(file.Assets), maxAssets)
	}
	for i, row := range file.Assets {
		if err := a.add(&row); err != nil {
			report(doc.ErrorAt("$.assets["+strconv.Itoa(i)+"]", err.Error(), ""))
		}
	}
	return nil
}

func (a *assets) csv(path, text string, report func(error)) error {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.ReuseRecord, r.Comment, r.TrimLeadingSpace = -1, true, '#', true
	header, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s: the header row: %w", path, err)
	}
	columns, found := make([]int, len(header)), [7]bool{}
	for i, h := range header {
		at, ok := assetColumns[strings.ToLower(strings.TrimSpace(h))]
		if columns[i] = -1; ok && !found[at] {
			columns[i], found[at] = at, true
		}
	}
	if !found[0] && !found[1] {
		return fmt.Errorf("%s:1: no column address or host (アドレス, ホスト名) in the header row", path)
	}
	for n := 0; ; n++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if n == maxAssets {
			return fmt.Errorf("%s: at most %d rows are taken", path, maxAssets)
		}
		line := csvLine(r, record, err)
		if err == nil {
			var cells [7]string
			for i := range min(len(record), len(columns)) {
				if columns[i] >= 0 {
					cells[columns[i]] = strings.Clone(strings.TrimSpace(record[i]))
				}
			}
			err = a.add(&assetRow{cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]})
		}
		if err != nil {
			report(fmt.Errorf("%s:%d: %w", path, line, err))
		}
	}
}

// add takes one row.
func (a *assets) add(row *assetRow) error {
	zone, ok := assetZones[row.Zone]
	if !ok {
		return fmt.Errorf("zone %q is none of mynumber, lgwan, internet", row.Zone)
	}
	criticality, ok := criticalities[row.Criticality]
	if !ok {
		return fmt.Errorf("criticality %q is none of low, medium, high, critical (低, 中, 高, 最高)", row.Criticality)
	}
	it := &asset{assetName: row.Name, assetOwner: row.Owner, assetRole: row.Role, assetCriticality: criticality}
	if *it == (asset{}) {
		return errors.New("nothing is said of it: fill in name, owner, role or criticality")
	}
	hosts := []string{row.Host}
	if p, err := parseNetwork(row.Address); err == nil {
		a.byAddress.add(p, zone, it)
	} else if isDomain(row.Address) {
		hosts = append(hosts, row.Address)
	} else if row.Address != "" || row.Host == "" {
		return fmt.Errorf("%q is no address, no network such as 10.1.0.0/16 and no host name", row.Address)
	}
	for _, h := range hosts {
		if h = strings.ToLower(h); h != "" {
			a.byName[h] = append(a.byName[h], inZone[*asset]{zone, it})
		}
	}
	return nil
}

// named finds an asset by the name of a host, with or without its domain.
func (a *assets) named(name, zone string) *asset {
	if len(a.byName) == 0 || name == "" || len(name) > maxDomain {
		return nil
	}
	var buf [maxDomain]byte
	low := appendLower(buf[:0], name)
	list := a.byName[string(low)]
	if list == nil {
		for i, c := range low {
			if c == '.' {
				list = a.byName[string(low[:i])]
				break
			}
		}
	}
	it, _ := choose(list, zone)
	return it
}
