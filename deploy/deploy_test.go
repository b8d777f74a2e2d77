package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = ".."

func load(t *testing.T) *types.Project {
	t.Helper()
	opts, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithoutEnvironmentResolution)
	if err != nil {
		t.Fatal(err)
	}
	p, err := opts.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Services) < 2 {
		t.Fatalf("%d services: want the prefecture's program and a collector at least", len(p.Services))
	}
	return p
}

// pinned is a tag that names one release: two numbers at least.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.-]+)?(@sha256:[0-9a-f]{64})?$`)

func TestImagesArePinned(t *testing.T) {
	for name, s := range load(t).Services {
		if !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q has no full version tag", name, s.Image)
		}
	}
	for image, want := range map[string]bool{
		"debian:12.12-slim": true, "golang:1.26.8-bookworm": true, "docker.elastic.co/x/y:8.19.7": true,
		"debian": false, "debian:latest": false, "debian:12": false, "debian:bookworm-slim": false,
	} {
		if pinned.MatchString(image) != want {
			t.Errorf("the check takes %q for pinned: %v", image, !want)
		}
	}
}

func TestPortsArePublishedOnLoopbackOnly(t *testing.T) {
	n := 0
	for name, s := range load(t).Services {
		for _, p := range s.Ports {
			if n++; p.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is published on %q, want 127.0.0.1", name, p.Published, p.HostIP)
			}
		}
		if s.NetworkMode == "host" {
			t.Errorf("%s: host network publishes everything", name)
		}
	}
	if n == 0 {
		t.Error("no port is published: nobody could use it")
	}
}

func TestServicesAreHardened(t *testing.T) {
	for name, s := range load(t).Services {
		if !s.ReadOnly {
			t.Errorf("%s: read_only is not set", name)
		}
		if !slices.Contains(s.CapDrop, "ALL") {
			t.Errorf("%s: cap_drop lacks ALL", name)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: security_opt lacks no-new-privileges:true", name)
		}
		if s.Privileged || len(s.CapAdd) > 0 {
			t.Errorf("%s: has privileges", name)
		}
		if s.StopGracePeriod == nil || s.MemLimit == 0 || s.PidsLimit == 0 || s.Restart == "" {
			t.Errorf("%s: want stop_grace_period, mem_limit, pids_limit and restart", name)
		}
	}
}

func TestServicesFindTheirFilesAndVolumes(t *testing.T) {
	p := load(t)
	for name, s := range p.Services {
		if s.Build == nil {
			t.Errorf("%s: no build: nothing of ours is on a registry", name)
			continue
		}
		dockerfile := filepath.Join(s.Build.Context, s.Build.Dockerfile)
		stages := read(t, dockerfile)
		if _, err := os.Stat(dockerfile + ".dockerignore"); err != nil {
			t.Errorf("%s: %v: data and .git would go into the image", name, err)
		}
		if s.HealthCheck == nil && !strings.Contains(stages, "\nHEALTHCHECK ") {
			t.Errorf("%s: no health check, neither in the compose file nor in %s", name, s.Build.Dockerfile)
		}
		for _, v := range s.Volumes {
			switch v.Type {
			case types.VolumeTypeBind:
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if !v.ReadOnly {
					t.Errorf("%s: %s is mounted for writing", name, v.Source)
				}
			case types.VolumeTypeVolume:
				if _, ok := p.Volumes[v.Source]; !ok {
					t.Errorf("%s: volume %q is not declared", name, v.Source)
				}
				if !strings.Contains(stages, "\nVOLUME "+v.Target+"\n") {
					t.Errorf("%s: %s is no VOLUME of %s, so it would belong to root", name, v.Target, s.Build.Dockerfile)
				}
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	from = regexp.MustCompile(`(?m)^FROM (\S+)`)
	user = regexp.MustCompile(`(?m)^USER (\S+)$`)
)

func TestDockerfilesArePinnedAndUnprivileged(t *testing.T) {
	names, err := filepath.Glob("Dockerfile*")
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, ".dockerignore") })
	if len(names) != 2 {
		t.Fatalf("%v: want one for each program", names)
	}
	for _, name := range names {
		text := read(t, name)
		for _, m := range from.FindAllStringSubmatch(text, -1) {
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s: base image %s has no full version tag", name, m[1])
			}
		}
		last := text[strings.LastIndex(text, "\nFROM "):]
		m := user.FindStringSubmatch(last)
		if m == nil || m[1] == "root" || strings.HasPrefix(m[1], "0") {
			t.Errorf("%s: its last stage runs as root: set USER", name)
		}
	}
	if text := read(t, "Dockerfile.collector"); !strings.Contains(text, "CGO_ENABLED=0 go build") {
		t.Error("Dockerfile.collector: the collector is built without cgo: CGO_ENABLED=0 go build")
	}
}

func TestUnitsAreHardened(t *testing.T) {
	names, err := filepath.Glob("systemd/*.service")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 2 {
		t.Fatalf("%v: want one for each program", names)
	}
	for _, name := range names {
		text := read(t, name)
		for _, want := range []string{
			"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes",
			"RestrictSUIDSGID=yes", "SystemCallFilter=@system-service", "StateDirectoryMode=0700", "Restart=always", "TimeoutStopSec=30",
		} {
			if !strings.Contains(text, "\n"+want+"\n") {
				t.Errorf("%s: want %s", name, want)
			}
		}
	}
}
