package org.sendoff;

import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The event that all waits of a producer wait for: something was delivered or ended. Announcing it while nobody waits
 * costs a fence. A waiter enters, notes the number, looks at what it waits for, and then waits for another number, so
 * that it misses nothing that happens in between.
 */
final class Progress {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition announced = lock.newCondition();
    private long number;
    private volatile int waiters;

    void announce() {
        // Orders what was done before the look at waiters, as enter() orders the other way about.
        VarHandle.fullFence();
        if (waiters == 0) {
            return;
        }
        lock.lock();
        try {
            number++;
            announced.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Begins a wait; leave() ends it. */
    void enter() {
        lock.lock();
        waiters++;
        lock.unlock();
        VarHandle.fullFence();
    }

    void leave() {
        lock.lock();
        waiters--;
        lock.unlock();
    }

    long number() {
        lock.lock();
        try {
            return number;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for another number than seen, at most so long. */
    void await(long seen, long nanoseconds) throws InterruptedException {
        long left = nanoseconds;
        lock.lockInterruptibly();
        try {
            while (number == seen && left > 0) {
                left = announced.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }
}
