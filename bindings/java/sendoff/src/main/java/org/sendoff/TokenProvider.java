package org.sendoff;

/** Gives tokens to a producer with {@code sasl.mechanism=OAUTHBEARER}. */
@FunctionalInterface
public interface TokenProvider {
    /**
     * Gives a token; called whenever the producer needs another one to log in with.
     *
     * <p>It is called by a daemon thread of the producer's own, never twice at a time, and may take its time: what logs
     * in meanwhile waits. The thread is interrupted when the producer ends.
     *
     * @return the token
     * @throws Exception if there is none now. Its text reaches log lines and the exceptions of records; after a pause
     *     that grows from {@code sasl.login.retry.backoff.ms} the provider is asked again
     */
    Token token() throws Exception;
}
