package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/internal/app"
	"mimamori/internal/bus"
	"mimamori/internal/care"
)

// invited makes a token for tottori-a in a new data folder.
func invited(t *testing.T) (data string, tok care.Token) {
	t.Helper()
	data = t.TempDir()
	out := must(t, "", "collector", "invite", "--data", data, "--id", "tottori-a", "--municipality", "312011", "--zone", "internet", "--url", "tls://127.0.0.1:4222", "--by", "sato", "--json")
	text, ok := object(t, out, "token", "expires")["token"].(string)
	if !ok {
		t.Fatal(out)
	}
	tok, err := care.ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	return data, tok
}

// joined is the same with a collector enrolled.
func joined(t *testing.T) (data string) {
	t.Helper()
	data, tok := invited(t)
	key, err := bus.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	reg, err := app.OpenFleet(t.Context(), data, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close()
	if _, err := reg.Use(t.Context(), tok.Invitation, key.Public()); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAnInvitationIsMadeShownAndWithdrawn(t *testing.T) {
	data, tok := invited(t)
	if tok.Collector != "tottori-a" || tok.Municipality != "312011" || tok.Zone != "internet" || tok.CA != nil || time.Until(tok.Expires) < 6*24*time.Hour {
		t.Errorf("%+v", tok)
	}
	if out := must(t, "", "collector", "list", "--data", data); !strings.Contains(out, "invited") {
		t.Error(out)
	}
	if _, err := run(t, "", "collector", "invite", "--data", data, "--id", "tottori-a", "--municipality", "312011", "--zone", "internet", "--url", "tls://127.0.0.1:4222"); err == nil {
		t.Error("a second invitation for the same name")
	}
	must(t, "", "collector", "withdraw", "tottori-a", "--data", data)
	out := must(t, "", "collector", "invite", "--data", data, "--id", "tottori-a", "--municipality", "312011", "--zone", "internet", "--url", "tls://127.0.0.1:4222")
	for _, want := range []string{"mimamori1", "mimamori-collector enrol", "担当者", "Hand the token"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}

func TestAConfigurationIsCheckedKeptAndRestored(t *testing.T) {
	data := joined(t)
	set := func(text string) (string, error) {
		path := filepath.Join(t.TempDir(), "order.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return run(t, "", "collector", "config", "tottori-a", "--set", path, "--note", "a reason", "--data", data, "--by", "sato")
	}
	first := "inputs: [{source: fw, type: syslog, listen: \"udp://0.0.0.0:514\"}]\n"
	for _, text := range []string{first, strings.ReplaceAll(first, "514", "5514")} {
		if _, err := set(text); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"inputs: [{source: fw, typ: syslog}]\n": "order.yaml:1:23: unknown key \"typ\"",
		"collector: other\n" + first:            "order.yaml:1:12: collector: who",
		"inputs: [{source: fw, type: nope}]\n":  "order.yaml:1:29: type: there is no input",
	} {
		if _, err := set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if out := must(t, "", "collector", "config", "tottori-a", "--data", data); !strings.Contains(out, "5514") {
		t.Error(out)
	}
	must(t, "", "collector", "config", "tottori-a", "--restore", "1", "--data", data, "--by", "suzuki")
	if out := must(t, "", "collector", "config", "tottori-a", "--data", data); out != first {
		t.Error(out)
	}
	var history []map[string]any
	if err := json.Unmarshal([]byte(must(t, "", "collector", "config", "tottori-a", "--history", "--json", "--data", data)), &history); err != nil || len(history) != 3 {
		t.Fatal(history, err)
	}
	if out := must(t, "", "collector", "config", "tottori-a", "--history", "--data", data); !strings.Contains(out, "suzuki") || !strings.Contains(out, "replaced") || !strings.Contains(out, "a reason") {
		t.Error(out)
	}
	if _, err := run(t, "", "collector", "config", "tottori-a", "--restore", "9", "--data", data); err == nil {
		t.Error("restored what never was")
	}
}

func TestARevocationNamesItsReason(t *testing.T) {
	data := joined(t)
	if _, err := run(t, "", "collector", "revoke", "tottori-a", "--data", data); err == nil {
		t.Error("revoked without a reason")
	}
	must(t, "", "collector", "revoke", "tottori-a", "--why", "盗難", "--by", "suzuki", "--data", data)
	if out := must(t, "", "collector", "show", "tottori-a", "--data", data); !strings.Contains(out, "盗難") || !strings.Contains(out, "suzuki") || !strings.Contains(out, "revoked") {
		t.Error(out)
	}
	if _, err := run(t, "", "collector", "show", "nobody", "--data", data); err == nil {
		t.Error("showed nobody")
	}
	if _, err := run(t, "", "collector", "config", "tottori-a", "--set", "collector_test.go", "--data", data); err == nil {
		t.Error("configured a revoked collector")
	}
}

func TestAnInvitationNeedsWhoAndWhere(t *testing.T) {
	for want, args := range map[string][]string{
		"small letters":            {"--id", "A B", "--municipality", "312011", "--zone", "internet", "--url", "tls://h:1"},
		"312012":                   {"--id", "a", "--municipality", "312012", "--zone", "internet", "--url", "tls://h:1"},
		"use mynumber":             {"--id", "a", "--municipality", "312011", "--zone", "x", "--url", "tls://h:1"},
		"--url tls://host":         {"--id", "a", "--municipality", "312011", "--zone", "internet"},
		"is no address":            {"--id", "a", "--municipality", "312011", "--zone", "internet", "--url", "nats://203.0.113.1:4222"},
		"age \"x\": write 400d or": {"--id", "a", "--municipality", "312011", "--zone", "internet", "--url", "tls://h:1", "--expires", "x"},
	} {
		if _, err := run(t, "", append([]string{"collector", "invite", "--data", t.TempDir()}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestAPackageIsSigned(t *testing.T) {
	data, tok := invited(t)
	path := filepath.Join(t.TempDir(), "mimamori-collector")
	if err := os.WriteFile(path, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "", "collector", "sign", path, "--data", data)
	signature, err := os.ReadFile(path + ".sig")
	if err != nil {
		t.Fatal(err)
	}
	public, err := bus.ParsePublic(tok.OrderKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := care.VerifyPackage(strings.NewReader("program"), string(signature), public); err != nil {
		t.Error(err)
	}
}
