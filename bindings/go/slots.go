package sendoff

import (
	"sync"
	"sync/atomic"
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

// slotTable maps the numbers that records have in the library to their callbacks, and knows when all records sent
// before some moment are settled. It grows to the most records that were under way at a time, and never shrinks.
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
	taken := t.at(uint32(number))
	inEpoch := taken.link
	taken.empty()
	taken.link = t.free
	t.free = uint32(number)
	t.settle(settledCount{inEpoch, 1})
}

// beginTaking is called after reports were taken and before their slots are used. It ends waits for memory, and tells
// where slots are: those of reports belong to the drain until endTaking, without the lock.
func (t *slotTable) beginTaking() []*[chunkSlots]slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.change != nil {
		close(t.change)
		t.change = nil
	}
	return t.chunks
}

// endTaking frees slots that are linked from first to last, and ends the waits of flushes whose records are all
// settled by now.
func (t *slotTable) endTaking(first, last uint32, settled settledCount) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if first != noSlot {
		t.at(last).link = t.free
		t.free = first
	}
	t.settle(settled)
}

// settleNow ends the waits of flushes before the batch is at its end: a callback further on may wait for them.
func (t *slotTable) settleNow(settled settledCount) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle(settled)
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

func (t *slotTable) settle(count settledCount) {
	if count.count == 0 {
		return
	}
	t.epochs[count.epoch-t.firstEpoch].pending -= count.count
	for len(t.epochs) > 1 && t.epochs[0].pending == 0 {
		close(t.epochs[0].settled)
		t.epochs = t.epochs[1:]
		t.firstEpoch++
	}
}

// empty forgets the callback, and makes the number that found this slot a stale one.
func (s *slot) empty() {
	s.callback = nil
	s.generation++
}
