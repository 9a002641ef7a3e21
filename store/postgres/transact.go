package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// transact runs what queue adds as one transaction, in one round trip, and reads its answers.
func transact(ctx context.Context, conn *pgx.Conn, queue func(*pgx.Batch), answer func(pgx.BatchResults) error) error {
	batch := &pgx.Batch{}
	batch.Queue(begin)
	queue(batch)
	batch.Queue(commit)
	results := conn.SendBatch(ctx, batch)
	err := func() error {
		if _, err := results.Exec(); err != nil {
			return err
		}
		if err := answer(results); err != nil {
			return err
		}
		tag, err := results.Exec()
		switch {
		case err != nil:
			return err
		case tag.String() != "COMMIT":
			return fmt.Errorf("the transaction ended with %s", tag)
		case conn.PgConn().CustomData()[localCommit] != nil:
			delete(conn.PgConn().CustomData(), localCommit)
			return errLocalCommit
		}
		return nil
	}()
	return cmp.Or(err, results.Close())
}

// A server that waits for a synchronous standby can be told to stop waiting. It then says that the
// commit is done, and a warning beside it that the standby may not have it: a failover would lose what
// was acknowledged.
var errLocalCommit = errors.New("the commit waits for a standby no more: it is on the primary alone")

const localCommit = "writ: committed locally"

// noteLocalCommit finds that warning, which has no code of its own, by where it comes from.
func noteLocalCommit(conn *pgconn.PgConn, n *pgconn.Notice) {
	if n.Routine == "SyncRepWaitForLSN" {
		conn.CustomData()[localCommit] = true
	}
}
