package org.sendoff;

/** The record was not acknowledged within {@code delivery.timeout.ms}. */
public final class DeliveryTimeoutException extends SendoffException {
    private static final long serialVersionUID = 1;

    DeliveryTimeoutException(int code, Outcome outcome, String message) {
        super(code, outcome, message);
    }
}
