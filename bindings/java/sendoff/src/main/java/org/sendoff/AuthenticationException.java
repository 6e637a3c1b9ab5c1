package org.sendoff;

/** A broker did not let the producer in, or is not one to trust: a TLS handshake, a certificate or a login failed. */
public final class AuthenticationException extends SendoffException {
    private static final long serialVersionUID = 1;

    AuthenticationException(int code, Outcome outcome, String message) {
        super(code, outcome, message);
    }
}
