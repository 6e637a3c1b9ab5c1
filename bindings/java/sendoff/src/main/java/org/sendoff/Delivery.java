package org.sendoff;

import java.time.Duration;
import org.sendoff.internal.SendoffNative;

/** What became of an accepted record. Immutable. */
public final class Delivery {
    private final String topic;
    private final int partition;
    private final int status;
    private final long offset;
    private final long timestamp;
    private final long latencyMicroseconds;
    private final char attempts;
    private final byte outcome;

    Delivery(String topic, int partition, int status, long offset, long timestamp, long latencyMicroseconds,
             char attempts, byte outcome) {
        this.topic = topic;
        this.partition = partition;
        this.status = status;
        this.offset = offset;
        this.timestamp = timestamp;
        this.latencyMicroseconds = latencyMicroseconds;
        this.attempts = attempts;
        this.outcome = outcome;
    }

    /**
     * Where it was sent.
     *
     * @return the topic's name
     */
    public String topic() {
        return topic;
    }

    /**
     * The partition that it named or that was chosen.
     *
     * @return the partition, or -1 if none was chosen yet
     */
    public int partition() {
        return partition;
    }

    /**
     * Its place in the partition.
     *
     * @return the offset, or -1 if it is not known
     */
    public long offset() {
        return offset;
    }

    /**
     * Whether {@link #offset()} is known.
     *
     * @return true if it is
     */
    public boolean hasOffset() {
        return offset >= 0;
    }

    /**
     * The record's time, or the broker's where the topic is set to log-append time.
     *
     * @return milliseconds since 1970
     */
    public long timestamp() {
        return timestamp;
    }

    /**
     * From the moment when {@code send} accepted the record until its outcome was known.
     *
     * @return the time, in microseconds' precision
     */
    public Duration latency() {
        return Duration.ofNanos(latencyMicroseconds * 1000);
    }

    /**
     * How many requests carried the record.
     *
     * @return 0 if it never left; 65535 stands for that many or more
     */
    public int attempts() {
        return attempts;
    }

    /**
     * What is known.
     *
     * @return the outcome
     */
    public Outcome outcome() {
        return Outcome.of(outcome);
    }

    /**
     * Whether the record was acknowledged.
     *
     * @return true if it was, whether or not its offset is known
     */
    public boolean isDelivered() {
        return outcome == 1 || outcome == 2;
    }

    /**
     * Why it was not delivered, or may not have been. With {@code acks=0} there is nothing to wait for, so that a
     * record handed to the system has no exception, though its outcome is {@link Outcome#UNKNOWN}.
     *
     * @return a new exception, or null
     */
    public SendoffException exception() {
        if (status == 0 || status == SendoffNative.NO_ACKNOWLEDGEMENT) {
            return null;
        }
        return Statuses.exception(status, outcome(), "record for " + topic + (partition < 0 ? "" : "-" + partition));
    }

    @Override
    public String toString() {
        String place = topic + (partition < 0 ? "" : "-" + partition) + (hasOffset() ? "@" + offset : "");
        return status == 0 ? place : place + ": " + outcome() + " (" + Statuses.name(status) + ")";
    }
}
