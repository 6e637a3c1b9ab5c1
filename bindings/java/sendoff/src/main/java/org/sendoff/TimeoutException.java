package org.sendoff;

/** A wait was over before what it waited for had happened. What was accepted stays accepted. */
public final class TimeoutException extends SendoffException {
    private static final long serialVersionUID = 1;

    TimeoutException(int code, Outcome outcome, String message) {
        super(code, outcome, message);
    }
}
