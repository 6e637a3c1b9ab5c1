package org.sendoff;

/** The record is larger than {@code max.request.size} or {@code buffer.memory} allow. */
public final class RecordTooLargeException extends SendoffException {
    private static final long serialVersionUID = 1;

    RecordTooLargeException(int code, Outcome outcome, String message) {
        super(code, outcome, message);
    }
}
