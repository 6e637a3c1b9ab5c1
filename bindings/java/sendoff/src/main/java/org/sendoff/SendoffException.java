package org.sendoff;

/**
 * What went wrong, as the library says it. The subclasses are what programs tell apart; {@link #code()} has it exactly:
 * Kafka's own error codes are -1 and the positive numbers, those of Sendoff are -1001 and below.
 */
public class SendoffException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The status. */
    private final int code;
    /** What is known of the record. */
    private final Outcome outcome;

    SendoffException(int code, Outcome outcome, String message) {
        super(message);
        this.code = code;
        this.outcome = outcome;
    }

    /**
     * The status, see {@code sendoff.h} and Kafka's protocol.
     *
     * @return the number
     */
    public int code() {
        return code;
    }

    /**
     * The status's name.
     *
     * @return for example {@code NOT_LEADER_OR_FOLLOWER}
     */
    public String codeName() {
        return Statuses.name(code);
    }

    /**
     * What is known of the record: {@link Outcome#NOT_DELIVERED} if sending it again is safe, as it also is after a
     * refusal, {@link Outcome#UNKNOWN} if that may duplicate it, as after a flush or close that did not wait to the
     * end.
     *
     * @return the outcome
     */
    public Outcome outcome() {
        return outcome;
    }

    /**
     * Whether the same call or record may succeed later.
     *
     * @return true if it may
     */
    public boolean isRetriable() {
        return Statuses.isRetriable(code);
    }

    /**
     * Whether the producer cannot go on, so that a new one is needed.
     *
     * @return true if it cannot
     */
    public boolean isFatal() {
        return Statuses.isFatal(code);
    }
}
