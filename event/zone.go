package event

// The zones of 三層の構え. Zone "" means unknown.
const (
	ZoneMyNumber = "mynumber" // マイナンバー利用事務系
	ZoneLGWAN    = "lgwan"    // LGWAN接続系
	ZoneInternet = "internet" // インターネット接続系
)

// ValidZone tells whether s names a zone.
func ValidZone(s string) bool {
	return s == ZoneMyNumber || s == ZoneLGWAN || s == ZoneInternet
}

// ZoneName returns what people call a zone, in Japanese and English.
func ZoneName(zone string) Localized {
	switch zone {
	case ZoneMyNumber:
		return Localized{"マイナンバー利用事務系", "My Number zone"}
	case ZoneLGWAN:
		return Localized{"LGWAN接続系", "LGWAN zone"}
	case ZoneInternet:
		return Localized{"インターネット接続系", "Internet zone"}
	}
	return Localized{"領域不明", "unknown zone"}
}
