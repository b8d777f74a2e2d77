// Package console is the web console: the face of package soc for the
// prefecture's analysts and the municipalities' staff. Pages are rendered on
// the server (templ), work without JavaScript, and gain keys, live notices and
// panels in place from htmx and one small script. Nothing is fetched from
// elsewhere: the Content-Security-Policy forbids it.
//
// It imports mimamori/soc for its types, since it is soc's face; events and
// health come through the interfaces Events, Finder and Health.
//
// A municipality's user is restricted in every query (Tenants), never in the
// page. What that user may not see does not exist: 404.
//
// Under pressure: a page waits for its answers at most Timeout, then says so.
// Request bodies are bounded (64 KiB), and so is what is shown of a hostile
// event (texts are cut, the original line stays whole). A panic in a page is
// logged with an id that the reader sees, and touches no other request.
package console
