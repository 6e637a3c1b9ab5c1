package org.sendoff;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A moment up to which to wait. */
final class Deadline {
    private static final long FOREVER = Long.MAX_VALUE;

    private final long begun = System.nanoTime();
    private final long nanoseconds;

    private Deadline(long nanoseconds) {
        this.nanoseconds = nanoseconds;
    }

    /** So long from now; null waits without limit. */
    static Deadline in(Duration timeout) {
        if (timeout == null) {
            return new Deadline(FOREVER);
        }
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout " + timeout + " is negative");
        }
        return inNanoseconds(TimeUnit.NANOSECONDS.convert(timeout));
    }

    static Deadline inNanoseconds(long nanoseconds) {
        return new Deadline(nanoseconds);
    }

    /** This one and so much more. */
    Deadline plus(long more) {
        long left = left();
        return new Deadline(left >= FOREVER - more ? FOREVER : left + more);
    }

    /** Nanoseconds up to it, 0 when it is over. */
    long left() {
        return nanoseconds == FOREVER ? FOREVER : Math.max(0, nanoseconds - (System.nanoTime() - begun));
    }

    boolean isOver() {
        return left() == 0;
    }

    /** As the library takes it: whole milliseconds, rounded up, -1 without limit. */
    long leftMilliseconds() {
        return nanoseconds == FOREVER ? -1 : TimeUnit.NANOSECONDS.toMillis(left() + 999_999);
    }
}
