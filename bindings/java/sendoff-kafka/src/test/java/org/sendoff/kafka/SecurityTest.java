package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.LoginException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.auth.SaslExtensions;
import org.apache.kafka.common.security.auth.SaslExtensionsCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sendoff.Token;

/** TLS and logins, with settings and classes as Kafka's own producer takes them. */
class SecurityTest {
    private static final String USER = "alice";

    private static Producer<String, String> create(ProducerFactory factory, Map<String, Object> settings) {
        return factory.create(settings, new StringSerializer(), new StringSerializer());
    }

    private static void deliver(Producer<String, String> producer) throws Exception {
        String topic = Brokers.newTopic();
        for (int i = 0; i < 10; i++) {
            producer.send(new ProducerRecord<>(topic, "value " + i)).get(Brokers.DEADLINE_SECONDS, TimeUnit.SECONDS);
        }
        Brokers.read(Brokers.KAFKA, topic, 10);
    }

    private static Map<String, Object> withHandler() {
        Map<String, Object> settings = Brokers.secure("tokens");
        settings.put("sasl.login.callback.handler.class", Handler.class.getName());
        settings.put("sasl.jaas.config",
            new Password(OAuthBearerLoginModule.class.getName() + " required role=\"writer\";"));
        settings.put("handlers.own", "seven");
        return settings;
    }

    @ParameterizedTest
    @CsvSource({"KAFKA, mtls", "KAFKA, scram", "SENDOFF, mtls", "SENDOFF, scram"})
    void delivers(ProducerFactory factory, String listener) throws Exception {
        try (Producer<String, String> producer = create(factory, Brokers.secure(listener))) {
            deliver(producer);
        }
    }

    @ParameterizedTest
    @EnumSource
    void takesTokensFromTheHandlerThatTheSettingsName(ProducerFactory factory) throws Exception {
        Handler.begin();
        try (Producer<String, String> producer = create(factory, withHandler())) {
            deliver(producer);
        }
        assertEquals("OAUTHBEARER", Handler.mechanism);
        assertEquals("writer", Handler.options.get("role"));
        assertEquals("seven", Handler.settings.get("handlers.own"));
        assertInstanceOf(Password.class, Handler.settings.get("sasl.jaas.config"));
        assertEquals(1, Handler.tokens.get());
        assertEquals(1, Handler.extensions.get());
        assertEquals(1, Handler.closed.get());
    }

    @Test
    void whatTheHandlerAnswersIsHandedOn() throws Exception {
        Handler.begin();
        Handler.failures = 2;
        Map<String, Object> settings = withHandler();
        settings.put("key.serializer", StringSerializer.class);
        settings.put("value.serializer", StringSerializer.class);
        try (LoginTokens tokens = LoginTokens.of(new ProducerConfig(settings))) {
            assertEquals("it is locked", assertThrows(IOException.class, tokens::token).getMessage());
            assertEquals("locked: it is locked", assertThrows(LoginException.class, tokens::token).getMessage());
            Token token = tokens.token();
            assertEquals(USER, token.principal());
            assertEquals(Map.of("pool", "one"), token.extensions());
            assertTrue(token.expires().isAfter(Instant.now()));
        }
    }

    @Test
    void aHandlerThatFailsIsAskedAgain() throws Exception {
        Handler.begin();
        Handler.failures = 2;
        try (Producer<String, String> producer = create(ProducerFactory.SENDOFF, withHandler())) {
            deliver(producer);
        }
        assertEquals(3, Handler.tokens.get());
    }

    @Test
    void aHandlerThatCannotBeConfiguredIsClosed() {
        Handler.begin();
        Map<String, Object> settings = withHandler();
        settings.put("handlers.own", "refused");
        KafkaException failure =
            assertThrows(KafkaException.class, () -> create(ProducerFactory.SENDOFF, settings));
        assertEquals("refused", failure.getCause().getMessage());
        assertEquals(1, Handler.closed.get());
    }

    /** Which Kafka's own producer does only with Jackson on the class path. */
    @Test
    void tokensThatNobodyHasSignedAreMadeAsTheModuleSays() throws Exception {
        Map<String, Object> settings = Brokers.secure("tokens");
        settings.put("sasl.jaas.config",
            OAuthBearerLoginModule.class.getName() + " required unsecuredLoginStringClaim_sub=\"alice\";");
        try (Producer<String, String> producer = create(ProducerFactory.SENDOFF, settings)) {
            deliver(producer);
        }
    }

    @Test
    void tokensThatNobodyGivesAreAConfigException() {
        KafkaException failure =
            assertThrows(KafkaException.class, () -> create(ProducerFactory.SENDOFF, Brokers.secure("tokens")));
        assertInstanceOf(ConfigException.class, failure.getCause());
    }

    @Test
    void credentialsAreLoadedAnew() throws Exception {
        Map<String, Object> right = Brokers.secure("scram");
        String module = (String) right.get("sasl.jaas.config");
        Map<String, Object> wrong = new HashMap<>(right);
        wrong.put("sasl.jaas.config", new Password(module.replace("Alices-pencil", "Alices-pen")));
        try (SendoffProducer<String, String> producer =
                 new SendoffProducer<>(wrong, new StringSerializer(), new StringSerializer())) {
            Future<RecordMetadata> delivery = producer.send(new ProducerRecord<>(Brokers.newTopic(), "value"));
            producer.reloadCredentials();
            wrong.put("ssl.no.such", "x");
            assertThrows(ConfigException.class, () -> producer.reloadCredentials(wrong));
            right.put("sasl.jaas.config", new Password(module));
            producer.reloadCredentials(right);
            assertTrue(delivery.get(Brokers.DEADLINE_SECONDS, TimeUnit.SECONDS).hasOffset());
        }
    }

    @Test
    void aLoginThatIsRefusedFailsRecordsInTheEnd() {
        Map<String, Object> settings = Brokers.secure("scram");
        settings.put("sasl.jaas.config",
            ((String) settings.get("sasl.jaas.config")).replace("Alices-pencil", "Alices-pen"));
        settings.put("delivery.timeout.ms", 1000);
        settings.put("request.timeout.ms", 500);
        settings.put("max.block.ms", 1000);
        try (Producer<String, String> producer = create(ProducerFactory.SENDOFF, settings)) {
            Future<RecordMetadata> delivery = producer.send(new ProducerRecord<>(Brokers.newTopic(), "value"));
            ExecutionException failure = assertThrows(ExecutionException.class,
                () -> delivery.get(Brokers.DEADLINE_SECONDS, TimeUnit.SECONDS));
            assertInstanceOf(org.apache.kafka.common.errors.TimeoutException.class, failure.getCause());
        }
    }

    /** Of a program. One at a time. */
    public static final class Handler implements AuthenticateCallbackHandler {
        static volatile String mechanism;
        static volatile Map<String, ?> settings;
        static volatile Map<String, ?> options;
        static volatile int failures;
        static final AtomicInteger tokens = new AtomicInteger();
        static final AtomicInteger extensions = new AtomicInteger();
        static final AtomicInteger closed = new AtomicInteger();

        static void begin() {
            failures = 0;
            for (AtomicInteger count : List.of(tokens, extensions, closed)) {
                count.set(0);
            }
        }

        @Override
        public void configure(Map<String, ?> configs, String saslMechanism, List<AppConfigurationEntry> entries) {
            settings = configs;
            mechanism = saslMechanism;
            options = entries.get(0).getOptions();
            if ("refused".equals(configs.get("handlers.own"))) {
                throw new IllegalArgumentException("refused");
            }
        }

        @Override
        public void handle(Callback[] callbacks) throws IOException, UnsupportedCallbackException {
            for (Callback callback : callbacks) {
                if (callback instanceof OAuthBearerTokenCallback asked) {
                    give(asked);
                } else if (callback instanceof SaslExtensionsCallback asked) {
                    extensions.incrementAndGet();
                    asked.extensions(new SaslExtensions(Map.of("pool", "one")));
                } else {
                    throw new UnsupportedCallbackException(callback);
                }
            }
        }

        private static void give(OAuthBearerTokenCallback asked) throws IOException {
            int number = tokens.incrementAndGet();
            if (number <= failures && number == 1) {
                throw new IOException("it is locked");
            }
            if (number <= failures) {
                asked.error("locked", "it is locked", null);
            } else {
                asked.token(new Unsigned(System.currentTimeMillis()));
            }
        }

        @Override
        public void close() {
            closed.incrementAndGet();
        }
    }

    /** A token that nobody has signed, as Kafka's own validator for tests takes it. */
    private record Unsigned(Long startTimeMs) implements OAuthBearerToken {
        @Override
        public String value() {
            return encoded("{\"alg\":\"none\"}") + "." + encoded("{\"sub\":\"%s\",\"iat\":%d,\"exp\":%d}"
                .formatted(USER, startTimeMs / 1000, lifetimeMs() / 1000 + 1)) + ".";
        }

        private static String encoded(String text) {
            return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public Set<String> scope() {
            return Set.of();
        }

        @Override
        public long lifetimeMs() {
            return startTimeMs + TimeUnit.HOURS.toMillis(1);
        }

        @Override
        public String principalName() {
            return USER;
        }
    }
}
