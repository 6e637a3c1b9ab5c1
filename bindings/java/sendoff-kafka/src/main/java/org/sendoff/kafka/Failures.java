package org.sendoff.kafka;

import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.NetworkException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.protocol.Errors;
import org.sendoff.SendoffException;

/**
 * Kafka's exceptions for what Sendoff says. Each has Sendoff's own as its cause (or its cause's cause), which knows
 * whether the record may have been written.
 */
final class Failures {
    private static final int UNKNOWN_TOPIC_OR_PARTITION = 3;
    private static final int CLOSED = -1005;
    private static final int BUFFER_FULL = -1007;
    private static final int TIMED_OUT = -1008;
    private static final int DELIVERY_TIMED_OUT = -1009;
    private static final int REPORTS_UNREAD = -1010;
    private static final int RECORD_TOO_LARGE = -1011;
    private static final int PARTITION_OUT_OF_RANGE = -1012;
    private static final int ABORTED = -1015;
    private static final int DISCONNECTED = -1017;
    private static final int REQUEST_TIMED_OUT_LOCALLY = -1018;
    private static final int NAME_NOT_RESOLVED = -1020;
    private static final int UNSUPPORTED_BROKER = -1021;
    private static final int PARTITION_BUFFER_FULL = -1023;
    private static final int TOPIC_RECREATED = -1027;
    private static final int CONNECTION_REFUSED = -1028;
    private static final int TLS_HANDSHAKE_FAILED = -1031;
    private static final int CERTIFICATE_REFUSED = -1032;
    private static final int LOGIN_FAILED = -1033;

    private Failures() {
    }

    /** The exception that {@code KafkaProducer} has for this. */
    static RuntimeException of(SendoffException failure) {
        if (failure instanceof org.sendoff.InterruptException) {
            return new org.apache.kafka.common.errors.InterruptException(failure.getMessage(), interrupt(failure));
        }
        RuntimeException exception = failure.code() >= -1 && failure.code() <= Short.MAX_VALUE
            ? Errors.forCode((short) failure.code()).exception(failure.getMessage())
            : ofSendoff(failure.code(), failure.getMessage());
        return caused(exception, failure);
    }

    /**
     * The exception for a topic that the cluster did not show in time: {@code KafkaProducer} waits for it within
     * {@code send} and then says that the time is up.
     */
    static RuntimeException ofMissingTopic(SendoffException failure) {
        if (failure.code() != UNKNOWN_TOPIC_OR_PARTITION) {
            return of(failure);
        }
        return new TimeoutException(failure.getMessage(),
            caused(new UnknownTopicOrPartitionException(failure.getMessage()), failure));
    }

    /** Whether the producer refused because it is closed. */
    static boolean isClosed(SendoffException failure) {
        return failure.code() == CLOSED;
    }

    private static RuntimeException ofSendoff(int code, String message) {
        return switch (code) {
            case BUFFER_FULL, PARTITION_BUFFER_FULL, REPORTS_UNREAD -> new BufferExhaustedException(message);
            case TIMED_OUT, DELIVERY_TIMED_OUT, REQUEST_TIMED_OUT_LOCALLY, PARTITION_OUT_OF_RANGE ->
                new TimeoutException(message);
            case RECORD_TOO_LARGE -> new RecordTooLargeException(message);
            case DISCONNECTED, CONNECTION_REFUSED, NAME_NOT_RESOLVED -> new NetworkException(message);
            case TLS_HANDSHAKE_FAILED, CERTIFICATE_REFUSED -> new SslAuthenticationException(message);
            case LOGIN_FAILED -> new SaslAuthenticationException(message);
            case UNSUPPORTED_BROKER -> new UnsupportedVersionException(message);
            case TOPIC_RECREATED -> new UnknownTopicIdException(message);
            case CLOSED -> new IllegalStateException("Cannot perform operation after producer has been closed");
            case ABORTED -> new KafkaException("Producer is closed forcefully: " + message);
            default -> new KafkaException(message);
        };
    }

    private static RuntimeException caused(RuntimeException exception, SendoffException cause) {
        exception.initCause(cause);
        return exception;
    }

    private static InterruptedException interrupt(SendoffException failure) {
        InterruptedException interrupt = new InterruptedException(failure.getMessage());
        interrupt.initCause(failure);
        return interrupt;
    }
}
