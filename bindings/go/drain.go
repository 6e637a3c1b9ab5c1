package sendoff

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"syscall"

	"sendoff.org/sendoff/internal/native"
)

// drainBatch is how many reports are taken at a time: enough to make crossing into C cheap, few enough to stay in the
// processor's cache.
const drainBatch = 4096

// drain takes reports out of the library and runs callbacks, one after the other, on a goroutine of its own.
type drain struct {
	core       *core
	descriptor *os.File // readable while reports are unread; of the runtime's poller, so that no thread waits for it
	raw        syscall.RawConn
	isReady    func(uintptr) bool

	reports   []native.Report
	count     int // of reports in this batch
	next      int // of them the one whose callback runs next
	slots     []*[chunkSlots]slot
	firstFree uint32 // the slots of this batch that are free by now, linked
	lastFree  uint32
	settled   settledCount // of this batch, as far as one epoch goes
	lastTopic *topic       // of the last report
	status    int32        // of the last poll
	number    uint64       // of the drain's goroutine, as goroutineNumber says
	finished  bool

	goroutine atomic.Uint64 // the number of the drain's goroutine while callbacks run, else 0
}

func (d *drain) init(c *core) error {
	var descriptor int32
	if status := native.Report_descriptor(c.handle, &descriptor); status != statusOK {
		return errorOf(status, 0)
	}
	// A copy, which is closed on its own; the library keeps its own open. It does not block already.
	copied, _, failure := syscall.Syscall(syscall.SYS_FCNTL, uintptr(descriptor), syscall.F_DUPFD_CLOEXEC, 0)
	if failure != 0 {
		return fmt.Errorf("sendoff: the descriptor of reports: %w", os.NewSyscallError("fcntl", failure))
	}
	d.descriptor = os.NewFile(copied, "sendoff reports")
	raw, err := d.descriptor.SyscallConn()
	if err != nil {
		return fmt.Errorf("sendoff: the descriptor of reports: %w", err)
	}
	d.core, d.raw = c, raw
	d.reports = make([]native.Report, drainBatch)
	d.firstFree = noSlot
	d.isReady = func(uintptr) bool { return d.poll() }
	return nil
}

// run is the drain's goroutine. A callback that ends its goroutine (runtime.Goexit, which testing.T.FailNow calls) ends
// only itself: another goroutine goes on with the next callback.
func (d *drain) run() {
	defer func() {
		if d.finished {
			d.core.end()
			return
		}
		d.core.logger.Error("sendoff: a delivery callback ended its goroutine")
		go d.run()
	}()
	d.number = goroutineNumber()
	if d.count > 0 { // of the batch that a goroutine before this one has left
		d.runCallbacks()
	}
	for d.wait() {
		d.slots = d.core.slots.beginTaking()
		d.runCallbacks()
	}
	d.finished = true
}

// wait waits for reports and takes them. It returns false once the producer is closed and all are taken.
func (d *drain) wait() bool {
	if !d.poll() {
		if err := d.raw.Read(d.isReady); err != nil {
			d.core.logger.Error("sendoff: waiting for deliveries", "error", err)
			return false
		}
	}
	if d.status != statusOK && d.status != statusClosed {
		d.core.logger.Error("sendoff: taking deliveries", "error", errorOf(d.status, 0))
	}
	return d.status == statusOK
}

// poll takes reports if there are any. It returns false if one has to wait for them.
func (d *drain) poll() bool {
	d.count, d.status = native.Poll(d.core.handle, d.reports)
	d.next = 0
	return d.status != statusTimedOut
}

// runCallbacks runs what is left of this batch, and settles it.
func (d *drain) runCallbacks() {
	d.goroutine.Store(d.number)
	for d.next < d.count {
		d.runUntilPanic()
	}
	d.goroutine.Store(0)
	d.core.slots.endTaking(d.firstFree, d.lastFree, d.settled)
	d.firstFree = noSlot
	d.settled = settledCount{}
	d.count = 0
}

// runUntilPanic runs callbacks up to the end of the batch, or to the first that panics.
func (d *drain) runUntilPanic() {
	defer func() {
		if value := recover(); value != nil {
			d.core.logger.Error("sendoff: a delivery callback panicked", "panic", value, "stack", string(debug.Stack()))
		}
	}()
	for d.next < d.count {
		report := &d.reports[d.next]
		d.next++
		if callback := d.callbackOf(report.Opaque); callback != nil {
			callback(deliveryOf(report, d.topicOf(report)))
		}
	}
}

// callbackOf takes a callback out of its slot. A number that is not in use is of no record of ours, and has none.
func (d *drain) callbackOf(number uint64) func(Delivery) {
	index := uint32(number)
	if int(index>>chunkBits) >= len(d.slots) {
		return nil
	}
	taken := &d.slots[index>>chunkBits][index&(chunkSlots-1)]
	if taken.generation != uint32(number>>32) {
		return nil
	}
	callback := taken.callback
	if d.settled.epoch != taken.link { // a flush may wait for those before
		d.core.slots.settleNow(d.settled)
		d.settled = settledCount{epoch: taken.link}
	}
	d.settled.count++
	taken.empty()
	if d.firstFree == noSlot {
		d.lastFree = index
	}
	taken.link = d.firstFree
	d.firstFree = index
	return callback
}

func (d *drain) topicOf(report *native.Report) string {
	if d.lastTopic == nil || d.lastTopic.id != report.Topic {
		d.lastTopic = d.core.topics.named(report.Topic)
	}
	return d.lastTopic.name
}

// isCurrent reports whether the caller is inside of a callback that the drain runs.
func (d *drain) isCurrent() bool {
	running := d.goroutine.Load()
	return running != 0 && running == goroutineNumber()
}

// goroutineNumber is the number that the runtime shows in stacks. It only decides who must not wait for a callback.
func goroutineNumber() uint64 {
	var stack [64]byte
	text, _ := bytes.CutPrefix(stack[:runtime.Stack(stack[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(text, []byte(" "))
	number, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		panic("sendoff: the runtime shows no number of the goroutine")
	}
	return number
}
