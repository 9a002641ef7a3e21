package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// applicationID marks a database as this package's: "writ" in ASCII.
const applicationID = 0x77726974

// mark writes it. SQLite does so, and commits, even if it is there already.
var mark = fmt.Sprintf(`PRAGMA application_id = %d`, applicationID)

// migrations lead from each version of the schema to the next; PRAGMA user_version counts those that
// were applied. One that was released is never changed.
//
// Times are microseconds since 1970; never is the greatest of them, so that merging is max() and
// nothing that lives for ever is ever before now. Owners and IDs are compared byte by byte.
var migrations = []string{`
CREATE TABLE writ_rows (
	id      TEXT PRIMARY KEY NOT NULL,
	owner   TEXT NOT NULL,
	version INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	data    BLOB NOT NULL
) STRICT;
CREATE INDEX writ_rows_owner ON writ_rows (owner) WHERE owner <> '';
CREATE INDEX writ_rows_expires ON writ_rows (expires) WHERE expires < 9223372036854775807;

-- What is revoked: one entry for each kind and ID, merged. seq is of its last change.
CREATE TABLE writ_entries (
	kind    INTEGER NOT NULL,
	id      TEXT NOT NULL,
	before  INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX writ_entries_seq ON writ_entries (seq);
CREATE INDEX writ_entries_expires ON writ_entries (expires) WHERE expires < 9223372036854775807;

-- The transactions that changed entries, with a random tag each: a cursor is a seq and its tag. Its
-- last row is the head of the log. A purge of entries does not touch it; old rows leave by number.
CREATE TABLE writ_log (
	seq INTEGER PRIMARY KEY NOT NULL,
	tag INTEGER NOT NULL
) STRICT;
INSERT INTO writ_log (seq, tag) VALUES (0, random());
`, `
-- A page of an owner's rows is read in the order of this index, and those that have expired are passed
-- over without being read.
CREATE INDEX writ_rows_owned ON writ_rows (owner, id, expires) WHERE owner <> '';
DROP INDEX writ_rows_owner;
`}

// migrate brings the database to this package's schema. Of several processes that start at once, the
// first does it and the others find it done.
func (s *Store) migrate(ctx context.Context) error {
	return s.write(ctx, durable, func(w *writer) error {
		var version, application, tables int
		err := w.conn.QueryRowContext(background, `SELECT
			(SELECT user_version FROM pragma_user_version),
			(SELECT application_id FROM pragma_application_id),
			(SELECT count(*) FROM sqlite_schema)`).Scan(&version, &application, &tables)
		switch empty := version == 0 && application == 0 && tables == 0; {
		case err != nil:
			return err
		case application != applicationID && !empty:
			return errors.New("the file is a database of something else: give the store a file of its own")
		case version > len(migrations):
			return fmt.Errorf("a newer version of writ has written this database (schema %d, this program knows %d): run that version",
				version, len(migrations))
		}
		if version == len(migrations) {
			return nil
		}
		for _, m := range migrations[version:] {
			if _, err := w.conn.ExecContext(background, m); err != nil {
				return err
			}
		}
		_, err = w.conn.ExecContext(background, fmt.Sprintf(`%s; PRAGMA user_version = %d`, mark, len(migrations)))
		return err
	})
}
