//go:build !unix

package faults_test

import (
	"testing"

	"github.com/writ-go/writ/internal/servers"
)

func pausePostgres(t testing.TB, s *servers.PostgresServer) (resume func()) { return func() {} }

// paused is nothing that this system can do.
func (c *child) paused() []fault { return nil }
