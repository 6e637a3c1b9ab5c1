package org.sendoff;

/** What the cluster answered; {@link #code()} is Kafka's own, such as 3 for UNKNOWN_TOPIC_OR_PARTITION. */
public final class BrokerException extends SendoffException {
    private static final long serialVersionUID = 1;

    BrokerException(int code, Outcome outcome, String message) {
        super(code, outcome, message);
    }
}
