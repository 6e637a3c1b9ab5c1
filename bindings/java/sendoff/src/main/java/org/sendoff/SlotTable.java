package org.sendoff;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Where records wait for their reports. A slot's index and generation make the number that the library carries for the
 * record. Any thread claims; free slots are a stack of indexes without a lock, whose head counts its changes, so that a
 * head that was seen before is recognised.
 *
 * <p>Each slot keeps the epoch in which its record was sent; a flush begins the next epoch and then looks at each slot
 * once, waiting where a record of an earlier epoch still is.
 */
final class SlotTable {
    private static final int FIRST_SIZE = 1024;
    private static final int NONE = -1;
    private static final long INDEX_BITS = 0xffff_ffffL;
    private static final VarHandle GENERATION;

    static {
        try {
            GENERATION = MethodHandles.lookup().findVarHandle(Slot.class, "generation", int.class);
        } catch (ReflectiveOperationException exception) {
            throw new ExceptionInInitializerError(exception);
        }
    }

    /** A record's place. Its claimer writes it, then whoever has its report. */
    static final class Slot {
        private final int index;
        /** Odd while a record is here. Written through GENERATION, which publishes the other fields. */
        private int generation;
        private int nextFree;
        private int epoch;
        private String topic;
        private Callback callback;

        private Slot(int index) {
            this.index = index;
        }

        /** The number that comes back in the record's report. */
        long number() {
            return (long) generation << 32 | index;
        }

        String topic() {
            return topic;
        }

        Callback callback() {
            return callback;
        }

        private boolean isHeld() {
            return ((int) GENERATION.getAcquire(this) & 1) != 0;
        }

        private void nextGeneration() {
            GENERATION.setRelease(this, generation + 1);
        }
    }

    private final AtomicLong freeHead = new AtomicLong(NONE & INDEX_BITS);
    private volatile Slot[] slots = new Slot[0];
    private volatile int epoch;
    /** Of the record that was sent last, by any thread. */
    private Callback lastCallback;

    /** Takes a slot for a record about to be sent. */
    Slot claim(String topic, Callback callback) {
        Slot slot = pop();
        // References are stored only where they change: a store into an old object costs the collector's barrier.
        if (slot.topic != topic) {
            slot.topic = topic;
        }
        if (slot.callback != callback) {
            slot.callback = callback;
        }
        if (lastCallback != callback) {
            lastCallback = callback;
        }
        slot.epoch = epoch;
        slot.nextGeneration();
        return slot;
    }

    private Slot pop() {
        while (true) {
            long head = freeHead.get();
            int index = (int) head;
            if (index == NONE) {
                grow();
                continue;
            }
            Slot slot = slots[index];
            if (freeHead.compareAndSet(head, headWith(head, slot.nextFree))) {
                return slot;
            }
        }
    }

    private static long headWith(long head, int index) {
        return (head & ~INDEX_BITS) + (INDEX_BITS + 1) | index & INDEX_BITS;
    }

    private synchronized void grow() {
        if ((int) freeHead.get() != NONE) {
            return;
        }
        Slot[] old = slots;
        Slot[] grown = new Slot[Math.max(FIRST_SIZE, old.length * 2)];
        System.arraycopy(old, 0, grown, 0, old.length);
        for (int index = old.length; index < grown.length; index++) {
            grown[index] = new Slot(index);
            grown[index].nextFree = index + 1;
        }
        slots = grown;
        push(grown[old.length], grown[grown.length - 1]);
    }

    /**
     * Lets go of the callbacks that free slots still have in common, which may hold what the program has dropped. For
     * idle times: who claims meanwhile waits for it in grow().
     */
    synchronized void forgetCallbacks() {
        if (lastCallback == null) {
            return;
        }
        lastCallback = null;
        long head;
        do {
            head = freeHead.get();
        } while (!freeHead.compareAndSet(head, headWith(head, NONE)));
        int index = (int) head;
        if (index == NONE) {
            return;
        }
        Slot first = slots[index];
        Slot last = first;
        last.callback = null;
        while (last.nextFree != NONE) {
            last = slots[last.nextFree];
            last.callback = null;
        }
        push(first, last);
    }

    /** Makes a chain of slots the top of the free ones. */
    private void push(Slot first, Slot last) {
        long head;
        do {
            head = freeHead.get();
            last.nextFree = (int) head;
        } while (!freeHead.compareAndSet(head, headWith(head, first.index)));
    }

    /** The slot of a report, or null if no record waits under that number. */
    Slot find(long number) {
        int index = (int) number;
        Slot[] current = slots;
        if (index < 0 || index >= current.length) {
            return null;
        }
        Slot slot = current[index];
        return slot.generation == (int) (number >>> 32) && slot.isHeld() ? slot : null;
    }

    /** Gives back the slot of a record that was refused. */
    void release(Slot slot) {
        clear(slot);
        push(slot, slot);
    }

    /** Lets go of the callback, unless it is one that records have in common. */
    private void clear(Slot slot) {
        if (slot.callback != lastCallback) {
            slot.callback = null;
        }
        slot.nextGeneration();
    }

    /** Slots given back together, by one thread. */
    final class Released {
        private Slot first;
        private Slot last;

        /** The record is done; its slot can be claimed after push. */
        void add(Slot slot) {
            clear(slot);
            if (first == null) {
                last = slot;
            } else {
                slot.nextFree = first.index;
            }
            first = slot;
        }

        void push() {
            if (first != null) {
                SlotTable.this.push(first, last);
                first = null;
            }
        }
    }

    /** Begins a new epoch; what is claimed from now on is not waited for. */
    synchronized Settlement settlement() {
        epoch++;
        return new Settlement(epoch, slots);
    }

    /** Asks whether all records sent before it was made are done. For one thread. */
    static final class Settlement {
        private final int epoch;
        private final Slot[] slots;
        private int next;

        private Settlement(int epoch, Slot[] slots) {
            this.epoch = epoch;
            this.slots = slots;
        }

        /** Goes on where an earlier record was found the last time. */
        boolean isSettled() {
            while (next < slots.length && !holdsEarlierRecord(slots[next])) {
                next++;
            }
            return next == slots.length;
        }

        private boolean holdsEarlierRecord(Slot slot) {
            return slot.isHeld() && slot.epoch - epoch < 0;
        }
    }
}
