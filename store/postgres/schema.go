package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// migrations lead from each version of the schema to the next; writ_version counts those that were
// applied. One that was released is never changed. «schema» stands for the schema's name.
//
// Times are microseconds since 1970; never is the greatest of them, so that merging is greatest() and
// nothing that lives for ever is ever before now. Owners and IDs are compared byte by byte.
var migrations = []string{`
CREATE TABLE «schema».writ_rows (
	id      text COLLATE "C" PRIMARY KEY,
	owner   text COLLATE "C" NOT NULL,
	version bigint NOT NULL,
	expires bigint NOT NULL,
	data    bytea NOT NULL
);
CREATE INDEX writ_rows_owner ON «schema».writ_rows (owner, id) WHERE owner <> '';
CREATE INDEX writ_rows_expires ON «schema».writ_rows (expires);

-- What is revoked: one entry for each kind and ID, merged. seq is of its last change.
CREATE TABLE «schema».writ_entries (
	kind    smallint NOT NULL,
	id      text COLLATE "C" NOT NULL,
	before  bigint NOT NULL,
	expires bigint NOT NULL,
	seq     bigint NOT NULL,
	PRIMARY KEY (kind, id)
);
CREATE INDEX writ_entries_seq ON «schema».writ_entries (seq);
CREATE INDEX writ_entries_expires ON «schema».writ_entries (expires);

-- The transactions that changed entries, with a random tag each: a cursor is a seq and its tag. Old
-- rows leave by number.
CREATE TABLE «schema».writ_log (
	seq bigint PRIMARY KEY,
	tag bigint NOT NULL
);

-- The head of the log. Its row's lock makes the order of seq the order of commits, without gaps. beat
-- is when a write last came through, by the server's clock.
CREATE TABLE «schema».writ_head (
	one  boolean PRIMARY KEY DEFAULT true CHECK (one),
	seq  bigint NOT NULL,
	tag  bigint NOT NULL,
	beat bigint NOT NULL
);
INSERT INTO «schema».writ_head (seq, tag, beat)
	VALUES (0, ('x' || left(md5(random()::text || clock_timestamp()::text), 16))::bit(64)::bigint, 0);
INSERT INTO «schema».writ_log (seq, tag) SELECT seq, tag FROM «schema».writ_head;
`}

// Migrations returns the SQL that brings a database to the schema that this package works with, from
// whatever version it has, for a team that lets its own tool or its administrator run it. It is one
// statement, does nothing where nothing is to be done, and may run on many nodes at once; it wants
// READ COMMITTED, which is PostgreSQL's default. The schema's name is what Config.Schema has; empty
// means "writ". Migrations panics if it cannot be one.
//
// The program's role then needs USAGE on the schema, and SELECT, INSERT, UPDATE and DELETE on the
// tables in it.
func Migrations(schema string) string {
	if schema == "" {
		schema = defaultSchema
	}
	if err := checkSchema(schema); err != nil {
		panic(err)
	}
	var b strings.Builder
	// One transaction whoever runs it. The lock is for nodes that start at once: CREATE IF NOT EXISTS
	// alone fails for all but one of them.
	fmt.Fprintf(&b, `DO $writ$
BEGIN
PERFORM pg_advisory_xact_lock(%d);
IF to_regnamespace('«schema»') IS NULL THEN
	CREATE SCHEMA «schema»;
END IF;
IF to_regclass('«schema».writ_version') IS NULL THEN
	CREATE TABLE «schema».writ_version (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL);
	INSERT INTO «schema».writ_version (version) VALUES (0);
END IF;
`, lockKey(schema, "schema", ""))
	for i, m := range migrations {
		fmt.Fprintf(&b, "\nIF (SELECT version FROM «schema».writ_version) = %d THEN%sUPDATE «schema».writ_version SET version = %d;\nEND IF;\n", i, m, i+1)
	}
	b.WriteString("END\n$writ$;\n")
	return inSchema(b.String(), schema)
}

// migrate finds or makes the schema.
func (s *Store) migrate(ctx context.Context, conn *pgx.Conn, byHand bool) error {
	version, err := s.schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	if version < len(migrations) && !byHand {
		err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, Migrations(s.schema))
			return err
		})
		if err != nil {
			return fmt.Errorf("bring the schema to version %d: %w", len(migrations), err)
		}
		if version, err = s.schemaVersion(ctx, conn); err != nil {
			return err
		}
	}
	switch {
	case version > len(migrations):
		return fmt.Errorf("a newer version of writ has made the schema %q (version %d, this program knows %d): run that version",
			s.schema, version, len(migrations))
	case version == 0:
		return fmt.Errorf("the schema %q has not been made, and migrations are run by hand: apply postgres.Migrations(%[1]q)", s.schema)
	case version < len(migrations):
		return fmt.Errorf("the schema %q has version %d, this program needs %d, and migrations are run by hand: apply postgres.Migrations(%[1]q)",
			s.schema, version, len(migrations))
	}
	return nil
}

// schemaVersion is 0 where there is no schema.
func (s *Store) schemaVersion(ctx context.Context, conn *pgx.Conn) (version int, err error) {
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, inSchema(`«schema».writ_version`, s.schema)).Scan(&exists); err != nil || !exists {
		return 0, err
	}
	err = conn.QueryRow(ctx, s.sql.schemaVersion).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("the table writ_version in the schema %q is empty: put the schema back from a backup", s.schema)
	}
	return version, err
}
