package sendoff

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"sendoff.org/sendoff/internal/native"
)

// abortGrace is how long a close whose context has ended still waits for the last callbacks.
const abortGrace = 500 * time.Millisecond

// Close refuses further records, waits until every accepted one has had its callback, and frees what the producer
// holds. It takes no longer than delivery.timeout.ms and the callbacks do; CloseContext has a limit. The error is nil
// unless records were aborted, which only CloseContext does. Closing again is harmless and waits as well.
//
// Inside of a delivery callback Close cannot wait for that callback: it refuses further records, returns nil, and the
// rest happens behind it; nothing that was accepted is lost.
func (p *Producer) Close() error {
	return p.CloseContext(context.Background())
}

// CloseContext is Close with a limit. When ctx ends first, the records that are left are aborted: their callbacks get
// ErrAborted, with NotDelivered for those that had never left and OutcomeUnknown for the others, and the error wraps
// that of the context. It then returns within a second, even if a callback is stuck. Inside of a callback it is Close,
// without a limit.
func (p *Producer) CloseContext(ctx context.Context) error {
	p.cleanup.Stop()
	return p.core.close(ctx)
}

// CloseOnSignal closes the producer when the process gets one of these signals, by default SIGINT and SIGTERM, and
// then raises the signal again, so that the process ends by it as it would have without; a close that takes longer
// than timeout is ended. Go runs nothing of a program that a signal ends, so what is under way would be lost.
//
// It returns a function that takes this back. A program that handles these signals in another way, for instance with
// signal.NotifyContext, needs no CloseOnSignal but has to call Close there.
func (p *Producer) CloseOnSignal(timeout time.Duration, signals ...os.Signal) (stop func()) {
	if len(signals) == 0 {
		signals = []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	arrived := make(chan os.Signal, 1)
	stopped, cancel := context.WithCancel(context.Background())
	signal.Notify(arrived, signals...)
	go p.core.closeOnSignal(stopped, arrived, timeout)
	return func() {
		signal.Stop(arrived)
		cancel()
	}
}

func (c *core) closeOnSignal(stopped context.Context, arrived chan os.Signal, timeout time.Duration) {
	select {
	case which := <-arrived:
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		if err := c.close(ctx); err != nil {
			c.logger.Error("sendoff: closing on a signal", "signal", which.String(), "error", err)
		}
		signal.Stop(arrived)
		c.raise(which)
	case <-stopped.Done():
		c.raiseArrived(arrived)
	case <-c.ended:
		c.raiseArrived(arrived)
	}
}

// raiseArrived takes no more signals, and swallows none that came in the meantime.
func (c *core) raiseArrived(arrived chan os.Signal) {
	signal.Stop(arrived)
	select {
	case which := <-arrived:
		c.raise(which)
	default:
	}
}

func (c *core) raise(which os.Signal) {
	if number, ok := which.(syscall.Signal); ok {
		if err := syscall.Kill(syscall.Getpid(), number); err != nil {
			c.logger.Error("sendoff: raising a signal again", "signal", which.String(), "error", err)
		}
	}
}

func (c *core) close(ctx context.Context) error {
	c.refuseMore()
	if c.drain.isCurrent() {
		go c.finish(context.Background())
		return nil
	}
	return c.finish(ctx)
}

// refuseMore makes every later Produce fail, and every one that waits for memory.
func (c *core) refuseMore() {
	c.beginClosing.Do(func() {
		c.slots.close()
		close(c.closing)
	})
}

// finish waits for what was accepted and closes the library's producer, after which the drain ends. When ctx ends
// first, the library aborts what is left. Several may be under way.
func (c *core) finish(ctx context.Context) error {
	flushed := c.flush(ctx)
	left := c.slots.pending()
	native.Close(c.handle, 0)
	switch {
	case !c.waitForEnd(ctx):
		return fmt.Errorf("%w: callbacks of %d records have not run", contextError(ctx, "close"), c.slots.pending())
	case !c.aborted:
		return nil
	case flushed != nil && ctx.Err() != nil:
		return fmt.Errorf("%w: %d records were aborted", contextError(ctx, "close"), left)
	default: // by another call
		return fmt.Errorf("sendoff: close: %w", ErrAborted)
	}
}

// waitForEnd returns false if the producer has not ended soon after ctx has.
func (c *core) waitForEnd(ctx context.Context) bool {
	select {
	case <-c.ended:
		return true
	case <-ctx.Done():
	}
	timer := time.NewTimer(abortGrace)
	defer timer.Stop()
	select {
	case <-c.ended:
		return true
	case <-timer.C:
		return false
	}
}

// end runs when all reports are read and all callbacks have run.
func (c *core) end() {
	if counters, err := c.counters(); err == nil {
		c.lastCounters.Store(&counters)
	}
	c.handOnWaitingEvents()
	c.aborted = native.Close(c.handle, 0) == statusTimedOut // closed it is: this only asks
	native.Destroy(c.handle)
	if c.stopTokens != nil {
		c.stopTokens()
	}
	if err := c.drain.descriptor.Close(); err != nil {
		c.logger.Error("sendoff: closing the descriptor of reports", "error", err)
	}
	close(c.ended)
}

// reportLeak runs when the garbage collector finds a Producer that was not closed. It must not wait.
func (c *core) reportLeak() {
	go func() {
		c.logger.Error("sendoff: a producer was never closed; closing it now", "created", c.created,
			"pending", c.slots.pending())
		if err := c.close(context.Background()); err != nil {
			c.logger.Error("sendoff: closing a producer that was never closed", "error", err)
		}
	}()
}
