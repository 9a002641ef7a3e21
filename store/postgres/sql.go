package postgres

import "strings"

// statements is every statement of the store's daily work. They name tables with their schema, because
// a search_path would be state of a session, which a pooler such as PgBouncer does not keep.
type statements struct {
	schemaVersion string
	selectRow     string
	selectOwned   string
	saves         [2][2]string // [does the row exist][does it carry entries]
	purgeRows     string
	purgeEntries  string
	selectExpired string
	lockHead      string
	merge         string
	moveHead      string
	notify        string
	selectHead    string
	writeBeat     string
	selectPlace   string
	selectEntries string
	selectChanged string
}

const (
	// Whatever the role's or the server's default is: every statement sees what was committed before
	// it, and so what was committed before the locks were taken.
	begin         = `BEGIN ISOLATION LEVEL READ COMMITTED`
	beginSnapshot = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	commit        = `COMMIT`

	// lock takes advisory locks in the order of the array. It is a statement of its own, so that the
	// next one sees what was committed while this one waited.
	lock = `SELECT CASE WHEN alone THEN pg_advisory_xact_lock(key) ELSE pg_advisory_xact_lock_shared(key) END
		FROM unnest($1::bigint[], $2::boolean[]) AS l (key, alone)`

	// inRecovery is true on a standby, which may be behind and must not be taken for the primary.
	inRecovery = `SELECT pg_is_in_recovery()`

	// microsNow is now, by the server's clock.
	microsNow = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
)

// cutoffOf is the greatest before of what revokes all that an owner has. greatest() skips what is NULL.
func cutoffOf(owner string) string {
	return `greatest(0, (SELECT before FROM «schema».writ_entries WHERE kind = 4 AND id = ` + owner + `),
		(SELECT before FROM «schema».writ_entries WHERE kind = 5 AND id = ''))`
}

// mergeInto is the INSERT of entries that come as the arrays $1 to $4, or more; what the log knows
// already it leaves alone. Their seq is the one that moveHead will give the transaction.
func mergeInto(arrays, where string) string {
	return `INSERT INTO «schema».writ_entries AS e (kind, id, before, expires, seq)
		SELECT n.kind, n.id, n.before, n.expires, head.seq + 1
		FROM unnest(` + arrays + `) AS n (kind, id, before, expires), «schema».writ_head AS head ` + where + `
		ON CONFLICT (kind, id) DO UPDATE SET
			before = greatest(e.before, excluded.before), expires = greatest(e.expires, excluded.expires), seq = excluded.seq
		WHERE excluded.before > e.before OR excluded.expires > e.expires`
}

const (
	insertRow = `INSERT INTO «schema».writ_rows (id, owner, version, expires, data) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING RETURNING 1`
	// purgeBatch is how many rows, and how many entries, one Purge removes.
	purgeBatch = `1000`
)

func newStatements(schema string) statements {
	updateRow := `UPDATE «schema».writ_rows SET version = $3, expires = $4, data = $5
		WHERE id = $1 AND version = $6 AND owner = $2 AND ($2 = '' OR $7 = ` + cutoffOf(`$2`) + `) RETURNING 1`
	// whyNot tells an owner that changed from any other conflict.
	const whyNot = `NOT EXISTS (SELECT FROM saved) AND EXISTS (
		SELECT FROM «schema».writ_rows WHERE id = $1 AND version = $6 AND owner <> $2)`
	// The cutoff is that from before this statement; the entries that it adds are put to it in Go.
	save := func(row, entries, whyNot string) string {
		if entries != "" {
			entries = `, added AS (` + mergeInto(entries, `WHERE EXISTS (SELECT FROM saved)`) + `)`
		}
		return `WITH saved AS (` + row + `)` + entries + `
			SELECT EXISTS (SELECT FROM saved), ` + cutoffOf(`$2`) + `, ` + whyNot
	}
	// ORDER BY, so that the planner, which cannot know how few rows have expired, goes by the index.
	// SKIP LOCKED, so that a purge never waits for a row while it holds others.
	purge := func(table string) string {
		return `DELETE FROM «schema».` + table + ` WHERE ctid = ANY (ARRAY (
			SELECT ctid FROM «schema».` + table + ` WHERE expires < $1 ORDER BY expires LIMIT ` + purgeBatch + ` FOR UPDATE SKIP LOCKED))`
	}
	s := statements{
		schemaVersion: `SELECT version FROM «schema».writ_version`,
		// A row of its own answers, also where there is no row: a standby must not say so.
		selectRow: `SELECT pg_is_in_recovery(), r.id IS NOT NULL, r.owner, r.version, r.expires, r.data, ` + cutoffOf(`r.owner`) + `
			FROM (SELECT 1) AS always LEFT JOIN «schema».writ_rows AS r ON r.id = $1`,
		selectOwned: `SELECT id, version, expires, data, ` + cutoffOf(`$1`) + ` FROM «schema».writ_rows
			WHERE owner = $1 AND owner <> '' AND id > $2 AND expires > ` + microsNow + ` ORDER BY id LIMIT $3`,
		saves: [2][2]string{
			{save(insertRow, ``, `false`), save(insertRow, `$6::smallint[], $7::text[], $8::bigint[], $9::bigint[]`, `false`)},
			{save(updateRow, ``, whyNot), save(updateRow, `$8::smallint[], $9::text[], $10::bigint[], $11::bigint[]`, whyNot)},
		},
		purgeRows:    purge(`writ_rows`),
		purgeEntries: purge(`writ_entries`),
		selectExpired: `SELECT coalesce((SELECT min(expires) FROM «schema».writ_rows) < $1, false)
			OR coalesce((SELECT min(expires) FROM «schema».writ_entries) < $1, false)`,

		lockHead: `SELECT FROM «schema».writ_head FOR NO KEY UPDATE`,
		merge:    mergeInto(`$1::smallint[], $2::text[], $3::bigint[], $4::bigint[]`, ``),
		// Only a transaction that changed an entry is one of the log. It trims the log now and then. max(),
		// because the planner takes it from the end of the index also where it knows nothing of the table yet.
		moveHead: `WITH moved AS (
				UPDATE «schema».writ_head SET seq = seq + 1, tag = $1, beat = ` + microsNow + `
				WHERE seq < (SELECT max(seq) FROM «schema».writ_entries) RETURNING seq, tag),
			logged AS (INSERT INTO «schema».writ_log (seq, tag) SELECT seq, tag FROM moved),
			trimmed AS (DELETE FROM «schema».writ_log WHERE seq <= (SELECT seq - 65536 FROM moved WHERE seq % 64 = 0))
			SELECT coalesce((SELECT seq FROM moved), 0)`,
		// What is lost of it in a crash is a hint: its commit waits for no disk and for no standby.
		notify: `SELECT pg_notify('` + channel(schema) + `', $1) FROM set_config('synchronous_commit', 'off', true)`,

		selectHead: `SELECT pg_is_in_recovery(), seq, tag, ` + microsNow + ` - beat,
			EXISTS (SELECT FROM «schema».writ_log WHERE seq = $1),
			EXISTS (SELECT FROM «schema».writ_log WHERE seq = $1 AND tag = $2)
			FROM «schema».writ_head`,
		// Of many nodes that find the beat old, one writes: the others wait for its row and then find
		// that the condition holds no more.
		writeBeat: `UPDATE «schema».writ_head SET beat = ` + microsNow + `
			WHERE beat NOT BETWEEN ` + microsNow + ` - $1 AND ` + microsNow + ` + $1`,
		selectPlace:   `SELECT seq, tag FROM «schema».writ_head`,
		selectEntries: `SELECT kind, id, before, expires FROM «schema».writ_entries`,
		selectChanged: `SELECT kind, id, before, expires FROM «schema».writ_entries WHERE seq > $1 ORDER BY seq`,
	}
	for _, sql := range []*string{
		&s.schemaVersion, &s.selectRow, &s.selectOwned, &s.saves[0][0], &s.saves[0][1], &s.saves[1][0], &s.saves[1][1],
		&s.purgeRows, &s.purgeEntries, &s.selectExpired, &s.lockHead, &s.merge, &s.moveHead,
		&s.selectHead, &s.writeBeat, &s.selectPlace, &s.selectEntries, &s.selectChanged,
	} {
		*sql = inSchema(*sql, schema)
	}
	return s
}

// inSchema puts the schema's name into SQL.
func inSchema(sql, schema string) string {
	return strings.ReplaceAll(sql, "«schema»", `"`+schema+`"`)
}
