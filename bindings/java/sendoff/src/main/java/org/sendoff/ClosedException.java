package org.sendoff;

/** The producer was closed before the call. */
public final class ClosedException extends SendoffException {
    private static final long serialVersionUID = 1;

    ClosedException(int code, Outcome outcome, String message) {
        super(code, outcome, message);
    }
}
