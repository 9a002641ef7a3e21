package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAPartIsReplacedAndTheOthersStay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "RESULTS.md")
	peers, sessions := peersPart+"\n\n## one\n\nfirst\n", millionPart+"\n\ntable\n"
	for _, step := range []struct{ part, want string }{
		{sessions, sessions},
		{peers, peers + "\n" + sessions},
		{peersPart + "\n\nagain\n", peersPart + "\n\nagain\n\n" + sessions},
		{storesPart + "\n\nstores\n\n", peersPart + "\n\nagain\n\n" + storesPart + "\n\nstores\n\n" + sessions},
	} {
		if err := replacePart(file, step.part); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != step.want {
			t.Errorf("error %v, the file is\n%s\nand not\n%s", err, got, step.want)
		}
	}
}
