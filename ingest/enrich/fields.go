package enrich

import "mimamori/event"

// end is one end of a connection, as ECS names them, and what is added to it.
type end struct {
	ip, domain, zone event.Field
	place            [places]event.Field
	parts            [3]event.Field
	asset            [assetFields]event.Field
	assets           bool // whether it has fields for an asset
}

// What a database says of an address, in this order.
const (
	placeASN = iota
	placeOrganization
	placeCountryCode
	placeCountry
	placeRegion
	placeCity
	placeLatitude
	placeLongitude
	places
)

// What a town's list says of an asset, in this order.
const (
	assetName = iota
	assetOwner
	assetRole
	assetCriticality
	assetFields
)

var (
	ends = [...]end{newEnd("source"), newEnd("destination"), newEnd("client"), newEnd("server")}

	fTags      = event.MustLookup("tags")
	fDirection = event.MustLookup("network.direction")
	fType      = event.MustLookup("network.type")

	fHostIP    = event.MustLookup("host.ip")
	fHostName  = event.MustLookup("host.name")
	fHostname  = event.MustLookup("host.hostname")
	fHostZone  = event.MustLookup("host.zone")
	hostAssets = assetsOf("host")

	fURLFull   = event.MustLookup("url.full")
	fURLOrig   = event.MustLookup("url.original")
	fURLDomain = event.MustLookup("url.domain")
	urlParts   = partsOf("url")

	fQuestion     = event.MustLookup("dns.question.name")
	questionParts = partsOf("dns.question")

	fAgent       = event.MustLookup("user_agent.original")
	fRelatedHash = event.MustLookup("related.hash")

	// checksums are the fields of checksums by how many bytes they have.
	checksums = [...]checksumFields{
		{16, lookups("file.hash.md5", "process.hash.md5", "process.parent.hash.md5")},
		{20, lookups("file.hash.sha1", "process.hash.sha1", "process.parent.hash.sha1")},
		{32, lookups("file.hash.sha256", "process.hash.sha256", "process.parent.hash.sha256")},
		{64, lookups("file.hash.sha512", "process.hash.sha512", "process.parent.hash.sha512")},
	}

	// moreAddresses may be indicators too, but belong to no end.
	moreAddresses = lookups("source.nat.ip", "destination.nat.ip", "client.nat.ip", "server.nat.ip")
	addressLists  = lookups("dns.resolved_ip")
	mails         = lookups("email.sender.address")
	mailLists     = lookups("email.from.address", "email.reply_to.address", "email.to.address", "email.cc.address", "email.bcc.address")
)

// checksumFields are the fields of checksums of one size, in bytes.
type checksumFields struct {
	size   int
	fields []event.Field
}

func newEnd(name string) end {
	f := func(s string) event.Field { return event.MustLookup(name + "." + s) }
	e := end{ip: f("ip"), domain: f("domain"), zone: f("zone"), parts: partsOf(name)}
	e.place = [places]event.Field{
		f("as.number"), f("as.organization.name"), f("geo.country_iso_code"), f("geo.country_name"),
		f("geo.region_name"), f("geo.city_name"), f("geo.location.lat"), f("geo.location.lon"),
	}
	if name == "source" || name == "destination" {
		e.asset, e.assets = assetsOf(name), true
	}
	return e
}

func assetsOf(name string) (out [assetFields]event.Field) {
	for i, s := range []string{"name", "owner", "role", "criticality"} {
		out[i] = event.MustLookup(name + ".asset." + s)
	}
	return out
}

func partsOf(name string) (out [3]event.Field) {
	for i, s := range []string{"registered_domain", "subdomain", "top_level_domain"} {
		out[i] = event.MustLookup(name + "." + s)
	}
	return out
}

func lookups(names ...string) []event.Field {
	var out []event.Field
	for _, name := range names {
		out = append(out, event.MustLookup(name))
	}
	return out
}

// add sets a field that the device left open.
func add(x *event.Builder, f event.Field, v event.Value) {
	if _, ok := x.Get(f); !ok {
		x.Set(f, v)
	}
}

// addText sets a field that the device left open to a text that is not empty.
func addText(x *event.Builder, f event.Field, s string) {
	if s != "" {
		add(x, f, event.String(s))
	}
}
