package memory

import (
	"fmt"
	"testing"
	"time"

	"github.com/writ-go/writ"
)

func TestARowWhoseExpiryMovesToAndFroCostsNoMemory(t *testing.T) {
	ctx := t.Context()
	s := Open()
	now := time.Now()
	for id := range 10 {
		row := writ.Row{ID: fmt.Sprint(id)}
		for i := range 1000 {
			row.Expires = now.Add(time.Duration(1+i%2) * time.Hour)
			var err error
			if row, err = s.Save(ctx, row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(s.rowsDue.items); n > 200 {
		t.Errorf("10 rows stand in the queue %d times", n)
	}
	if _, err := s.Purge(ctx, now.Add(3*time.Hour)); err != nil || len(s.rows) != 0 {
		t.Errorf("%d rows are left, error %v: tidying must forget none", len(s.rows), err)
	}
}
