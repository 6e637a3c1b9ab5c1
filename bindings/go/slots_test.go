package sendoff

import (
	"testing"
)

func newTable() *slotTable {
	table := &slotTable{}
	table.init()
	return table
}

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

func TestNumbersAreNotUsedTwice(t *testing.T) {
	table, seen := newTable(), map[uint64]bool{}
	for range 3 * chunkSlots {
		number, _, ok := table.acquire(nil)
		if !ok || seen[number] {
			t.Fatalf("number %d again", number)
		}
		seen[number] = true
		if len(seen)%2 == 0 {
			table.release(number)
		}
	}
	if table.pending() != 3*chunkSlots/2 {
		t.Errorf("%d are pending", table.pending())
	}
}

func TestAnEpochIsSettledAfterAllBeforeIt(t *testing.T) {
	table := newTable()
	if table.seal() != nil {
		t.Fatal("nothing is under way, and yet there is something to wait for")
	}
	first, _, _ := table.acquire(nil)
	afterFirst := table.seal()
	second, _, _ := table.acquire(nil)
	afterSecond := table.seal()
	if again := table.seal(); again != afterSecond {
		t.Error("a flush with nothing new waits for something else")
	}
	table.release(second)
	if isClosed(afterFirst) || isClosed(afterSecond) {
		t.Error("settled before the first")
	}
	table.release(first)
	if !isClosed(afterFirst) || !isClosed(afterSecond) || table.seal() != nil {
		t.Error("not settled after both")
	}
}

func TestAClosedTableTakesNoMore(t *testing.T) {
	table := newTable()
	table.close()
	if _, _, ok := table.acquire(nil); ok {
		t.Error("a closed table took a record")
	}
}

func TestTakingEndsWaitsForMemory(t *testing.T) {
	table := newTable()
	change := table.awaitChange()
	if change != table.awaitChange() || isClosed(change) {
		t.Error("the change came too early")
	}
	table.beginTaking()
	if !isClosed(change) || isClosed(table.awaitChange()) {
		t.Error("the change was not seen once")
	}
}

// A callback may wait for a flush that began before its record was sent; both came in one batch of reports.
func TestAFlushIsOverBeforeTheCallbacksOfLaterRecords(t *testing.T) {
	c := &core{}
	c.slots.init()
	before, _, _ := c.slots.acquire(nil)
	flushed := c.slots.seal()
	after, _, _ := c.slots.acquire(nil)
	d := &drain{core: c, slots: c.slots.beginTaking(), firstFree: noSlot}
	d.callbackOf(before)
	if isClosed(flushed) {
		t.Error("a flush was over before the callback that it waits for had run")
	}
	d.callbackOf(after)
	if !isClosed(flushed) {
		t.Error("a flush is not over although all callbacks that it waits for have run")
	}
	c.slots.endTaking(d.firstFree, d.lastFree, d.settled)
	if pending := c.slots.pending(); pending != 0 {
		t.Errorf("%d pending", pending)
	}
}
