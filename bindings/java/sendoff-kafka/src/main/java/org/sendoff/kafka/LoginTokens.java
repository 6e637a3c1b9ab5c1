package org.sendoff.kafka;

import java.io.IOException;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.LoginException;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.auth.SaslExtensionsCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;
import org.apache.kafka.common.utils.Utils;
import org.sendoff.Token;
import org.sendoff.TokenProvider;

/**
 * Tokens of the program's own {@code sasl.login.callback.handler.class}, asked for as Kafka's OAuthBearerLoginModule
 * does it.
 */
final class LoginTokens implements TokenProvider, AutoCloseable {
    /** Kafka's own handlers, whose work the library does. */
    private static final Set<String> NATIVE = Set.of(
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
        "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
        "org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler",
        "org.apache.kafka.common.security.authenticator.AbstractLogin$DefaultLoginCallbackHandler");

    private final AuthenticateCallbackHandler handler;

    private LoginTokens(AuthenticateCallbackHandler handler) {
        this.handler = handler;
    }

    /** Whether the program has a handler that is asked for tokens. */
    static boolean areOf(ProducerConfig config) {
        Class<?> handler = config.getClass(SaslConfigs.SASL_LOGIN_CALLBACK_HANDLER_CLASS);
        return handler != null && !NATIVE.contains(handler.getName()) && Jaas.isUsedBy(config)
            && "OAUTHBEARER".equals(config.getString(SaslConfigs.SASL_MECHANISM));
    }

    /** Makes and configures the program's handler; null if there is none that is asked for tokens. */
    static LoginTokens of(ProducerConfig config) {
        if (!areOf(config)) {
            return null;
        }
        Class<?> type = config.getClass(SaslConfigs.SASL_LOGIN_CALLBACK_HANDLER_CLASS);
        AuthenticateCallbackHandler handler =
            Utils.newInstance(type.asSubclass(AuthenticateCallbackHandler.class));
        try {
            handler.configure(Jaas.settings(config), config.getString(SaslConfigs.SASL_MECHANISM),
                Jaas.entries(config));
        } catch (RuntimeException failure) {
            handler.close();
            throw failure;
        }
        return new LoginTokens(handler);
    }

    @Override
    public Token token() throws IOException, UnsupportedCallbackException, LoginException {
        OAuthBearerTokenCallback asked = new OAuthBearerTokenCallback();
        handler.handle(new Callback[] {asked});
        if (asked.errorCode() != null) {
            throw new LoginException(asked.errorCode() + ": " + asked.errorDescription());
        }
        OAuthBearerToken token = asked.token();
        if (token == null) {
            throw new LoginException(handler.getClass().getName() + " gave no token");
        }
        return new Token(token.value(), Instant.ofEpochMilli(token.lifetimeMs()), token.principalName(), extensions());
    }

    private Map<String, String> extensions() throws IOException {
        SaslExtensionsCallback asked = new SaslExtensionsCallback();
        try {
            handler.handle(new Callback[] {asked});
        } catch (UnsupportedCallbackException without) {
            return Map.of();
        }
        return asked.extensions().map();
    }

    @Override
    public void close() {
        handler.close();
    }
}
