package org.sendoff;

import java.time.Instant;
import java.util.Map;
import java.util.Objects;

/**
 * What a producer with {@code sasl.mechanism=OAUTHBEARER} logs in with.
 *
 * @param value as brokers are to get it, such as a JWT in its compact form; {@link #toString()} does not show it
 * @param expires until when it is valid; the next one is asked for well before, as the settings {@code
 *     sasl.login.refresh.*} say
 * @param principal whose it is, for log lines; may be null
 * @param extensions what goes to brokers with it (KIP-342): names of letters, with values
 */
public record Token(String value, Instant expires, String principal, Map<String, String> extensions) {
    /**
     * Makes a token.
     *
     * @param value as brokers are to get it
     * @param expires until when it is valid
     * @param principal whose it is, or null
     * @param extensions names and values, which are copied
     * @throws NullPointerException if another part than the principal is null
     */
    public Token {
        Objects.requireNonNull(value, "the token's value is null");
        Objects.requireNonNull(expires, "the token's expires is null");
        extensions = Map.copyOf(extensions);
    }

    /**
     * Makes a token of what a broker needs.
     *
     * @param value as brokers are to get it
     * @param expires until when it is valid
     */
    public Token(String value, Instant expires) {
        this(value, expires, null, Map.of());
    }

    /**
     * All of it but the value.
     *
     * @return for people
     */
    @Override
    public String toString() {
        return "Token[value=[hidden], expires=" + expires + ", principal=" + principal + ", extensions=" + extensions
            + "]";
    }
}
