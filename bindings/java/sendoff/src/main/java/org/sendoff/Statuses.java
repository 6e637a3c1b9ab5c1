package org.sendoff;

import java.util.List;
import org.sendoff.internal.SendoffNative;

/** The library's statuses: their names, texts and classes, and the exceptions that they become. */
final class Statuses {
    /** Statuses from here on are Sendoff's own; all others but 0 are Kafka's. */
    private static final int FIRST_OWN = -1000;
    private static final int UNSUPPORTED_SASL_MECHANISM = 33;
    private static final int ILLEGAL_SASL_STATE = 34;
    private static final int SASL_AUTHENTICATION_FAILED = 58;

    private Statuses() {
    }

    static String name(int status) {
        return SendoffNative.status_name(status);
    }

    static boolean isRetriable(int status) {
        return (SendoffNative.status_class(status) & SendoffNative.CLASS_RETRIABLE) != 0;
    }

    static boolean isFatal(int status) {
        return (SendoffNative.status_class(status) & SendoffNative.CLASS_FATAL) != 0;
    }

    static String version() {
        return SendoffNative.version();
    }

    static List<String> features() {
        String words = SendoffNative.features();
        return words.isEmpty() ? List.of() : List.of(words.split(","));
    }

    /** Whether a record was refused for want of memory, which waiting may help. */
    static boolean isFull(int status) {
        return status == SendoffNative.BUFFER_FULL || status == SendoffNative.PARTITION_BUFFER_FULL
            || status == SendoffNative.REPORTS_UNREAD;
    }

    /** Whether a broker did not let the producer in, or is not one to trust. */
    private static boolean isAuthentication(int status) {
        return status == SendoffNative.TLS_HANDSHAKE_FAILED || status == SendoffNative.CERTIFICATE_REFUSED
            || status == SendoffNative.LOGIN_FAILED || status == UNSUPPORTED_SASL_MECHANISM
            || status == ILLEGAL_SASL_STATE || status == SASL_AUTHENTICATION_FAILED;
    }

    /** The exception for a call that was refused; what says which. */
    static SendoffException refusal(int status, String what) {
        return exception(status, Outcome.NOT_DELIVERED, what);
    }

    /** The exception for a status that is not OK; what is what it is about. */
    static SendoffException exception(int status, Outcome outcome, String what) {
        String message = what + ": " + SendoffNative.status_text(status) + " (" + name(status) + ")";
        if (status == SendoffNative.CLOSED) {
            return new ClosedException(status, outcome, message);
        }
        if (status == SendoffNative.RECORD_TOO_LARGE) {
            return new RecordTooLargeException(status, outcome, message);
        }
        if (status == SendoffNative.DELIVERY_TIMED_OUT) {
            return new DeliveryTimeoutException(status, outcome, message);
        }
        if (status == SendoffNative.TIMED_OUT) {
            return new TimeoutException(status, outcome, message);
        }
        if (isFull(status)) {
            return new BufferFullException(status, outcome, message);
        }
        if (isAuthentication(status)) {
            return new AuthenticationException(status, outcome, message);
        }
        if (status > FIRST_OWN) {
            return new BrokerException(status, outcome, message);
        }
        return new SendoffException(status, outcome, message);
    }
}
