package sendoff

import (
	"context"
	"testing"
)

func TestAFlushIsNoFailureIfTheProducerEndsAtTheSameTime(t *testing.T) {
	c := &core{ended: make(chan struct{})}
	settled := make(chan struct{})
	close(settled)
	close(c.ended)
	for range 100 { // select chooses at random among what is ready
		if err := c.waitUntilSettled(context.Background(), settled); err != nil {
			t.Fatal(err)
		}
	}
}
