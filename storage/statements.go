package storage

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// statements prepares each query once. There are as many as there are query
// texts in this package: all of them are constants.
type statements struct {
	from interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}

	mu    sync.Mutex
	known map[string]*sql.Stmt
}

func newStatements(db *sql.DB) *statements {
	return &statements{from: db, known: make(map[string]*sql.Stmt)}
}

func (s *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.known[query]; ok {
		return st, nil
	}
	st, err := s.from.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.known[query] = st
	return st, nil
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, st := range s.known {
		errs = append(errs, st.Close())
	}
	clear(s.known)
	return errors.Join(errs...)
}

// view is one place to ask: the read pool, or the writer's open transaction.
type view struct {
	ctx        context.Context
	statements *statements
}

// row asks for at most one row. Its Scan returns sql.ErrNoRows for none.
func (v view) row(query string, args ...any) scanner {
	st, err := v.statements.get(v.ctx, query)
	if err != nil {
		return failed{err}
	}
	return st.QueryRowContext(v.ctx, args...)
}

// each calls scan for every row.
func (v view) each(scan func(scanner) error, query string, args ...any) error {
	st, err := v.statements.get(v.ctx, query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(v.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// scanner is a row to be read.
type scanner interface {
	Scan(dest ...any) error
}

// failed is a row that could not be asked for.
type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// tx is what an operation sees of the open transaction.
type tx struct {
	view
}

// exec changes rows and returns how many.
func (t tx) exec(query string, args ...any) (int64, error) {
	st, err := t.statements.get(t.ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
