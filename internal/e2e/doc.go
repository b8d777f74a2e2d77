// Package e2e holds tests of the whole system as its users run it: the real
// programs as processes, real rsyslog and squid as senders, real Chromium for
// the pages. They run when MIMAMORI_E2E=1 is set (make e2e) and skip otherwise.
// Nothing else is in here, so nothing can be under pressure.
package e2e
