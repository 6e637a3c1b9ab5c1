package org.sendoff;

/** What is known about an accepted record at its end. */
public enum Outcome {
    /** Acknowledged as {@code acks} asks for; the offset is known. */
    DELIVERED,
    /** Acknowledged, but the broker no longer knew the offset. */
    DELIVERED_OFFSET_UNKNOWN,
    /** No attempt can have been written: sending it again is safe. */
    NOT_DELIVERED,
    /**
     * May have been written: sending it again may duplicate it. With {@code acks=0}, which asks for no answer, every
     * record ends so.
     */
    UNKNOWN;

    private static final Outcome[] OUTCOMES = values();

    /** The outcome of the library's number, which counts from one in the order above. */
    static Outcome of(int number) {
        return number >= 1 && number <= OUTCOMES.length ? OUTCOMES[number - 1] : UNKNOWN;
    }
}
