package sendoff

import (
	"context"
	"log/slog"
	"time"

	"sendoff.org/sendoff/internal/native"
)

// eventInterval is how late a log line may be.
const eventInterval = 250 * time.Millisecond

// Syslog's numbers of levels.
const (
	syslogError   = 3
	syslogWarning = 4
	syslogInfo    = 6
)

// handOnEvents is the goroutine that takes rare events out of the library and logs them, apart from the drain so that a
// slow handler of logs does not hold up deliveries.
func (c *core) handOnEvents() {
	ticker := time.NewTicker(eventInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.ended:
			return
		case <-ticker.C:
			c.handOnWaitingEvents()
		}
	}
}

// handOnWaitingEvents logs the events that are there.
func (c *core) handOnWaitingEvents() {
	c.eventsTaken.Lock() // so that lines stay in order when the producer ends
	defer c.eventsTaken.Unlock()
	event := native.NewEvent()
	defer native.DeleteEvent(event)
	for native.Poll_event(c.handle, event, 0) == statusOK {
		c.logEvent(event)
	}
}

func (c *core) logEvent(event native.Event) {
	ctx := context.Background()
	switch int(event.GetKind()) {
	case native.EVENT_LOG:
		c.logger.Log(ctx, levelOf(event.GetNumber()), "sendoff: "+event.GetText())
	case native.EVENT_FATAL:
		c.logger.Error("sendoff: the producer cannot go on: close it and make a new one", "error",
			&Error{Code: event.GetStatus(), Detail: event.GetText()})
	case native.EVENT_AUTHENTICATION_FAILED:
		c.logger.Error("sendoff: a broker did not let the producer in", "broker", event.GetBroker(), "error",
			&Error{Code: event.GetStatus(), Detail: event.GetText()})
	case native.EVENT_THROTTLED:
		c.logger.Info("sendoff: a broker asked for a pause", "broker", event.GetBroker(), "pause",
			time.Duration(event.GetNumber())*time.Millisecond)
	case native.EVENT_LOST:
		c.logger.Warn("sendoff: log lines were lost", "count", event.GetNumber())
	}
}

func levelOf(syslogLevel int64) slog.Level {
	switch {
	case syslogLevel <= syslogError:
		return slog.LevelError
	case syslogLevel == syslogWarning:
		return slog.LevelWarn
	case syslogLevel <= syslogInfo:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}
