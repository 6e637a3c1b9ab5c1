package org.sendoff;

import org.sendoff.internal.SendoffNative;

/**
 * The thread was interrupted while it waited. Unchecked, so that {@code send} and {@code close} need no handler; the
 * thread's interrupt status is set again. A record that was being sent was not accepted; what had been accepted before
 * stays so.
 */
public final class InterruptException extends SendoffException {
    private static final long serialVersionUID = 1;

    private InterruptException(Outcome outcome, String message, InterruptedException cause) {
        super(SendoffNative.INTERRUPTED, outcome, message);
        initCause(cause);
    }

    /** Sets the thread's interrupt status again. */
    static InterruptException of(String wait, Outcome outcome, InterruptedException cause) {
        Thread.currentThread().interrupt();
        return new InterruptException(outcome, "interrupted while waiting for " + wait, cause);
    }
}
