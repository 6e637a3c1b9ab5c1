package sendoff

import (
	"sync"
	"sync/atomic"

	"sendoff.org/sendoff/internal/native"
)

const (
	chunkBits  = 12
	chunkSlots = 1 << chunkBits
	noSlot     = ^uint32(0)
)

// slot has the callback of one record that is under way.
type slot struct {
	callback   func(Delivery)
	generation uint32 // of its use: the upper half of the record's number in the library
	link       uint32 // the epoch of the record; of a free slot the next free one
}

// epoch counts the records that were sent between two flushes and have not had their callbacks.
type epoch struct {
	pending int
	settled chan struct{} // made by a flush, closed when this epoch and all before it are settled
}

// slotTable maps the numbers that records have in the library to their callbacks, and knows when all records sent before
// some moment are settled. It grows to the most records that were under way at a time, and never shrinks.
type slotTable struct {
	mu         sync.Mutex
	closed     bool
	chunks     []*[chunkSlots]slot
	free       uint32 // the first free slot, noSlot if there is none
	epochs     []epoch
	firstEpoch uint32
	change     chan struct{} // made by who waits for memory, closed when reports were taken

	// currentEpoch is that of the next record; written under mu, read anywhere.
	currentEpoch atomic.Uint32
}

// settledCount says how many records of an epoch are settled.
type settledCount struct {
	epoch uint32
	count int
}

func (t *slotTable) init() {
	t.free = noSlot
	t.epochs = []epoch{{}}
}

// acquire keeps a callback, and returns the number that finds it again and the record's epoch. It fails once closed.
func (t *slotTable) acquire(callback func(Delivery)) (number uint64, inEpoch uint32, ok bool) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return 0, 0, false
	}
	if t.free == noSlot {
		t.grow()
	}
	index := t.free
	taken := t.at(index)
	t.free = taken.link
	last := len(t.epochs) - 1
	inEpoch = t.firstEpoch + uint32(last)
	t.epochs[last].pending++
	taken.link = inEpoch
	taken.callback = callback
	number = uint64(taken.generation)<<32 | uint64(index)
	t.mu.Unlock()
	return number, inEpoch, true
}

// release frees the slot of a record that was refused.
func (t *slotTable) release(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, inEpoch, ok := t.empty(number); ok {
		t.settle(settledCount{inEpoch, 1})
	}
}

// take moves the callbacks of reports out of the table and appends how many records of which epoch they settle; the
// caller hands that to settleAll once the callbacks have run. A report that is not known gets no callback.
func (t *slotTable) take(reports []native.Report, callbacks []func(Delivery), counts []settledCount) []settledCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range reports {
		callback, inEpoch, ok := t.empty(reports[i].Opaque)
		callbacks[i] = callback
		if !ok {
			continue
		}
		if last := len(counts) - 1; last >= 0 && counts[last].epoch == inEpoch {
			counts[last].count++
		} else {
			counts = append(counts, settledCount{inEpoch, 1})
		}
	}
	if t.change != nil {
		close(t.change)
		t.change = nil
	}
	return counts
}

// settleAll ends the waits of flushes whose records are all settled by now.
func (t *slotTable) settleAll(counts []settledCount) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, count := range counts {
		t.settle(count)
	}
}

// close refuses further records.
func (t *slotTable) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

// seal begins a new epoch. The channel is closed when all records of earlier ones are settled; nil if they are.
func (t *slotTable) seal() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := len(t.epochs) - 1
	if t.epochs[last].pending == 0 {
		if last == 0 {
			return nil
		}
		return t.epochs[last-1].settled
	}
	settled := make(chan struct{})
	t.epochs[last].settled = settled
	t.epochs = append(t.epochs, epoch{})
	t.currentEpoch.Add(1)
	return settled
}

// awaitChange returns a channel that is closed when reports are taken next, by which memory may become free.
func (t *slotTable) awaitChange() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.change == nil {
		t.change = make(chan struct{})
	}
	return t.change
}

// pending counts the records that have not had their callbacks.
func (t *slotTable) pending() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := 0
	for _, each := range t.epochs {
		count += each.pending
	}
	return count
}

func (t *slotTable) at(index uint32) *slot {
	return &t.chunks[index>>chunkBits][index&(chunkSlots-1)]
}

func (t *slotTable) grow() {
	first := uint32(len(t.chunks)) << chunkBits
	chunk := new([chunkSlots]slot)
	for i := range chunk {
		chunk[i].link = first + uint32(i) + 1
	}
	chunk[chunkSlots-1].link = noSlot
	t.chunks = append(t.chunks, chunk)
	t.free = first
}

// empty frees a slot. A number that is not in use is of no record of ours.
func (t *slotTable) empty(number uint64) (callback func(Delivery), inEpoch uint32, ok bool) {
	index := uint32(number)
	if int(index>>chunkBits) >= len(t.chunks) {
		return nil, 0, false
	}
	taken := t.at(index)
	if taken.generation != uint32(number>>32) {
		return nil, 0, false
	}
	callback, inEpoch = taken.callback, taken.link
	taken.callback = nil
	taken.generation++
	taken.link = t.free
	t.free = index
	return callback, inEpoch, true
}

func (t *slotTable) settle(count settledCount) {
	t.epochs[count.epoch-t.firstEpoch].pending -= count.count
	for len(t.epochs) > 1 && t.epochs[0].pending == 0 {
		close(t.epochs[0].settled)
		t.epochs = t.epochs[1:]
		t.firstEpoch++
	}
}
