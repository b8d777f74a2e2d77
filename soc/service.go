package soc

import (
	"context"
	"embed"
	"fmt"
	"time"

	"mimamori/soc/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Service is the SOC's database. Any number of goroutines may use it.
type Service struct {
	db      *sqlite.DB
	now     func() time.Time
	hashing chan struct{} // one token for each password hash under way
	cost    argonCost
}

// Open opens the SQLite file at path, makes it when it is not there, and brings
// its tables up to date. now is the clock, normally time.Now.
func Open(ctx context.Context, path string, now func() time.Time) (*Service, error) {
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, fmt.Errorf("soc: %w", err)
	}
	return &Service{db: db, now: now, hashing: make(chan struct{}, 2), cost: standardCost()}, nil
}

// Close closes the file. It waits for transactions under way.
func (s *Service) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("soc: %w", err)
	}
	return nil
}
