package app

import (
	"context"
	"path/filepath"

	"mimamori/ingest/inbox"
	"mimamori/internal/carry"
)

// InboxDir is where carried files are put to be taken; data is the data folder.
func InboxDir(data string) string { return filepath.Join(data, "ingest", "inbox") }

// IdentityFile is the prefecture's key for carried files.
func IdentityFile(data string) string { return filepath.Join(data, "carry.key") }

func (a *App) openInbox(context.Context) error {
	id, err := carry.LoadOrMakeIdentity(IdentityFile(a.cfg.Data))
	if err != nil {
		return err
	}
	a.inbox = &inbox.Inbox{Dir: InboxDir(a.cfg.Data), Identity: id, Collectors: a.roster.known, Frames: a.conn, Log: a.log, Now: a.now}
	return nil
}
