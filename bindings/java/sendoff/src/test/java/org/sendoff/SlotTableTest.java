package org.sendoff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;

class SlotTableTest {
    private static final Callback CALLBACK = delivery -> { };

    private final SlotTable table = new SlotTable();

    private SlotTable.Slot claim() {
        return table.claim("topic", CALLBACK);
    }

    private void done(SlotTable.Slot slot) {
        SlotTable.Released released = table.new Released();
        released.add(slot);
        released.push();
    }

    @Test
    void aNumberFindsItsSlotUntilItIsDone() {
        SlotTable.Slot slot = claim();
        long number = slot.number();
        assertSame(slot, table.find(number));
        assertEquals("topic", slot.topic());
        done(slot);
        assertNull(table.find(number));
        SlotTable.Slot again = claim();
        assertSame(slot, again);
        assertNotEquals(number, again.number());
        assertNull(table.find(number));
    }

    @Test
    void numbersThatNeverWereAreNotFound() {
        assertNull(table.find(0));
        claim();
        assertNull(table.find(-1));
        assertNull(table.find(1 << 30));
        assertNull(table.find(5));
    }

    @Test
    void theTableGrows() {
        Set<Long> numbers = new HashSet<>();
        for (int i = 0; i < 10_000; i++) {
            assertTrue(numbers.add(claim().number()));
        }
        numbers.forEach(number -> assertNotNull(table.find(number)));
    }

    @Test
    void aSettlementWaitsForWhatWasClaimedBefore() {
        SlotTable.Slot first = claim();
        SlotTable.Slot second = claim();
        SlotTable.Settlement settlement = table.settlement();
        SlotTable.Slot later = claim();
        assertFalse(settlement.isSettled());
        done(second);
        assertFalse(settlement.isSettled());
        done(first);
        assertTrue(settlement.isSettled());
        assertFalse(table.settlement().isSettled());
        table.release(later);
        assertTrue(table.settlement().isSettled());
    }

    @Test
    void aSlotThatIsUsedAgainDoesNotHoldUpASettlement() {
        SlotTable.Slot slot = claim();
        SlotTable.Settlement settlement = table.settlement();
        assertFalse(settlement.isSettled());
        done(slot);
        assertSame(slot, claim());
        assertTrue(settlement.isSettled());
    }

    @Test
    void freeSlotsForgetTheirCallbacks() {
        List<SlotTable.Slot> claimed = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            claimed.add(claim());
        }
        SlotTable.Slot held = claim();
        claimed.forEach(this::done);
        table.forgetCallbacks();
        claimed.forEach(slot -> assertNull(slot.callback()));
        assertSame(CALLBACK, held.callback());
        for (int i = 0; i < 3000; i++) {
            assertSame(CALLBACK, claim().callback());
        }
    }

    @Test
    void aSlotLetsGoOfACallbackOfItsOwn() {
        Callback own = delivery -> assertNull(delivery);
        SlotTable.Slot slot = table.claim("topic", own);
        claim();
        done(slot);
        assertNull(slot.callback());
    }

    @Test
    void threadsNeverShareASlot() throws InterruptedException {
        BlockingQueue<SlotTable.Slot> claimed = new LinkedBlockingQueue<>(5000);
        int each = 200_000;
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            threads.add(new Thread(() -> {
                for (int n = 0; n < each; n++) {
                    try {
                        claimed.put(claim());
                    } catch (InterruptedException exception) {
                        return;
                    }
                }
            }));
        }
        threads.forEach(Thread::start);
        SlotTable.Released released = table.new Released();
        for (int n = 0; n < 4 * each; n++) {
            SlotTable.Slot slot = claimed.take();
            assertSame(slot, table.find(slot.number()));
            assertSame(CALLBACK, slot.callback());
            released.add(slot);
            if (n % 100 == 0) {
                released.push();
            }
            if (n % 5000 == 0) {
                table.forgetCallbacks();
            }
        }
        released.push();
        for (Thread thread : threads) {
            thread.join();
        }
        assertTrue(table.settlement().isSettled());
    }
}
