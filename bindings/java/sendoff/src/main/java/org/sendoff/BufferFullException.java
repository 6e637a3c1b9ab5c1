package org.sendoff;

/**
 * {@code buffer.memory}, or the share of it that one partition may have, stayed full for {@code max.block.ms}. The
 * record was not accepted.
 */
public final class BufferFullException extends SendoffException {
    private static final long serialVersionUID = 1;

    BufferFullException(int code, Outcome outcome, String message) {
        super(code, outcome, message);
    }
}
