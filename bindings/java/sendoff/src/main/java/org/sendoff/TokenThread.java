package org.sendoff;

import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.TreeMap;
import org.sendoff.internal.SendoffNative;
import org.sendoff.internal.Utf8;

/** Asks the program's provider whenever the library wants a token. A daemon, which ends with the producer. */
final class TokenThread implements Runnable {
    /** How long the library waits at a time; the end of the producer ends the wait sooner. */
    private static final long WAIT_MILLISECONDS = 250;
    private static final int ERROR_BYTES = 1024;

    private final long handle;
    private final String name;
    private final TokenProvider provider;
    private final Thread thread;
    private int status;

    private TokenThread(long handle, String name, TokenProvider provider, int status) {
        this.handle = handle;
        this.name = name;
        this.provider = provider;
        this.status = status;
        thread = new Thread(this, name + "-tokens");
        thread.setDaemon(true);
    }

    /**
     * The thread, not started yet, or null where no tokens are needed.
     *
     * @throws ConfigurationException for a provider that nobody would ask, and for an OAUTHBEARER that would wait for a
     *     token for ever
     */
    static TokenThread of(long handle, String name, TokenProvider provider) {
        int status = SendoffNative.wait_token_wanted(handle, 0);
        boolean isAskedFor = status != SendoffNative.NOT_CONFIGURED;
        if (isAskedFor && provider == null) {
            throw new ConfigurationException(SendoffNative.NOT_CONFIGURED, "sasl.mechanism",
                "sasl.mechanism=OAUTHBEARER needs a TokenProvider, or settings that say where tokens come from");
        }
        if (!isAskedFor && provider != null) {
            throw new ConfigurationException(SendoffNative.NOT_CONFIGURED, "sasl.mechanism",
                "there is a TokenProvider, but tokens are for sasl.mechanism=OAUTHBEARER with a security.protocol of "
                    + "SASL, and where no other setting says where they come from");
        }
        return isAskedFor ? new TokenThread(handle, name, provider, status) : null;
    }

    void start() {
        thread.start();
    }

    /** The producer has ended: a provider that is still busy may stop. */
    void end() {
        thread.interrupt();
    }

    @Override
    public void run() {
        while (status == SendoffNative.OK || status == SendoffNative.TIMED_OUT || status == SendoffNative.INTERRUPTED) {
            if (status == SendoffNative.OK) {
                provide();
            }
            status = SendoffNative.wait_token_wanted(handle, WAIT_MILLISECONDS);
        }
        if (status != SendoffNative.CLOSED) {
            Log.write(Level.ERROR, name + ": waiting for a token to be wanted: " + Statuses.name(status));
        }
    }

    private void provide() {
        try {
            Token token = provider.token();
            if (token == null) {
                fail("the token provider gave null");
                return;
            }
            give(token);
        } catch (Throwable thrown) { // whatever it is, connections wait for an answer
            Log.write(Level.WARNING, name + ": the token provider failed", thrown);
            fail(thrown.toString());
        }
    }

    private void give(Token token) {
        String principal = token.principal() == null ? "" : token.principal();
        byte[] error = new byte[ERROR_BYTES];
        int given = SendoffNative.give_token(handle, token.value(), principal, token.expires().toEpochMilli(),
            packed(token.extensions()), error);
        if (given != SendoffNative.OK && given != SendoffNative.CLOSED) {
            fail(Utf8.textIn(error));
        }
    }

    /** Refused only once the producer is closed, when nobody waits for a token. */
    private void fail(String reason) {
        SendoffNative.set_token_failure(handle, reason.replace('\0', '?'));
    }

    /** Names and values as brokers get them, each with the separator behind it. */
    private static String packed(Map<String, String> extensions) {
        StringBuilder packed = new StringBuilder();
        new TreeMap<>(extensions).forEach((name, value) -> {
            if (name.matches("(?s).*[=\1].*") || value.indexOf('\1') >= 0) {
                throw new IllegalArgumentException("no broker can read the token's extension '" + name + "'");
            }
            packed.append(name).append('=').append(value).append('\1');
        });
        return packed.toString();
    }
}
