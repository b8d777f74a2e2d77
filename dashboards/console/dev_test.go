package console

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"testing"
	"time"

	"mimamori/soc"
)

// TestServeMadeUpDataToLookAt serves the console with made-up data at the
// address in MIMAMORI_CONSOLE_DEV until interrupted (or -timeout), for a person
// or a browser script to look at. Users: admin, bunseki, wakasa, tottori, misasa; their password is in
// helpers_test.go.
func TestServeMadeUpDataToLookAt(t *testing.T) {
	addr := os.Getenv("MIMAMORI_CONSOLE_DEV")
	if addr == "" {
		t.Skip("MIMAMORI_CONSOLE_DEV is not set: nobody wants to look")
	}
	s := newSite(t)
	s.user(t, "admin", soc.Admin)
	s.user(t, "bunseki", soc.Analyst)
	s.user(t, "wakasa", soc.Municipality, wakasa)
	s.user(t, "tottori", soc.Municipality, tottori)
	s.user(t, "misasa", soc.Municipality, "313645")
	s.madeErasures(t)
	name := "bunseki"
	if err := s.soc.Change(t.Context(), soc.Change{ID: "A-2", By: name, Revision: 1, State: soc.InProgress, Assignee: &name, Note: "米子市の山田さんに電話した。追加した覚えはないとのこと。VPNの停止を依頼中。"}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.Config.Handler, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	fmt.Println("console on http://" + l.Addr().String())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	<-done
}
