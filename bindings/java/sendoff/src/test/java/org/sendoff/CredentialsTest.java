package org.sendoff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** TLS and logins, at listeners of Apache Kafka that insist on them. */
class CredentialsTest {
    /** Who logs in: the brokers of the tests know no other. */
    private static final String USER = "alice";
    private static final String PLANTED = "planted-secret";
    private static final String NOT_LET_IN = "did not let the producer in";
    private static final Duration HOUR = Duration.ofHours(1);

    /** What a client of a listener has to set. */
    private static Properties settingsOf(String listener, String... more) {
        Path folder = Path.of(Objects.requireNonNull(System.getenv("SENDOFF_TEST_SECURE"),
            "SENDOFF_TEST_SECURE is not set: run by bindings/with-brokers"));
        Properties settings = new Properties();
        try (Reader reader = Files.newBufferedReader(folder.resolve(listener + ".properties"))) {
            settings.load(reader);
        } catch (IOException exception) {
            throw new AssertionError(exception);
        }
        for (int i = 0; i < more.length; i += 2) {
            settings.setProperty(more[i], more[i + 1]);
        }
        return settings;
    }

    private static Map<String, Object> mapOf(Properties properties) {
        Map<String, Object> settings = new HashMap<>();
        properties.forEach((name, value) -> settings.put((String) name, value));
        return settings;
    }

    /** A token that nobody has signed, as Kafka's own validator for tests takes it. */
    private static Token token(Duration life) {
        Instant now = Instant.now();
        Instant end = now.plus(life);
        String claims = "{\"sub\":\"%s\",\"iat\":%d,\"exp\":%d}".formatted(USER, now.getEpochSecond(),
            end.getEpochSecond() + 1);
        Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();
        String value = encoder.encodeToString("{\"alg\":\"none\"}".getBytes(StandardCharsets.UTF_8)) + "."
            + encoder.encodeToString(claims.getBytes(StandardCharsets.UTF_8)) + ".";
        return new Token(value, end, USER, Map.of());
    }

    private static void sendTen(Producer producer) throws Exception {
        String topic = Broker.freshTopic("secure");
        for (int i = 0; i < 10; i++) {
            producer.send(Record.of(topic, "value " + i)).get(60, TimeUnit.SECONDS);
        }
        assertEquals(10, ReadBack.count(Broker.KAFKA, topic));
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60); !condition.getAsBoolean(); Thread.sleep(5)) {
            assertTrue(System.nanoTime() < end, what);
        }
    }

    private static boolean hasThreadOfTokens(String client) {
        return Thread.getAllStackTraces().keySet().stream()
            .anyMatch(thread -> thread.getName().equals(client + "-tokens"));
    }

    @ParameterizedTest
    @MethodSource("listenersWithoutTokens")
    void deliversOverTls(String listener) throws Exception {
        try (Producer producer = new Producer(settingsOf(listener))) {
            sendTen(producer);
        }
    }

    static Stream<String> listenersWithoutTokens() {
        return Stream.of("mtls", "scram");
    }

    @Test
    void deliversWithTokensOfAProvider() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        try (Producer producer = new Producer(settingsOf("tokens"), () -> {
            asked.incrementAndGet();
            return token(HOUR);
        })) {
            sendTen(producer);
        }
        assertEquals(1, asked.get());
    }

    @Test
    void theNextTokenIsAskedForInTime() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Properties settings = settingsOf("tokens", "sasl.login.refresh.min.period.seconds", "0",
            "sasl.login.refresh.buffer.seconds", "0");
        try (Producer producer = new Producer(settings, () -> {
            asked.incrementAndGet();
            return token(Duration.ofSeconds(2));
        })) {
            producer.connect(Duration.ofSeconds(60));
            await("two more tokens", () -> asked.get() >= 3);
            sendTen(producer);
        }
    }

    static Stream<Arguments> failures() {
        return Stream.of(
            Arguments.of("it is locked", (TokenProvider) () -> {
                throw new IOException("it is locked");
            }),
            Arguments.of("out of it", (TokenProvider) () -> {
                throw new AssertionError("out of it");
            }),
            Arguments.of("gave null", (TokenProvider) () -> null),
            Arguments.of("expired", (TokenProvider) () -> token(HOUR.negated())),
            Arguments.of("NUL", (TokenProvider) () -> new Token(PLANTED + "\0", Instant.now().plus(HOUR))),
            Arguments.of("'one'", (TokenProvider) () -> new Token(token(HOUR).value(), Instant.now().plus(HOUR), null,
                Map.of("one", "x\1auth=Bearer " + PLANTED))));
    }

    @ParameterizedTest
    @MethodSource("failures")
    @Execution(ExecutionMode.CONCURRENT)
    void aProviderThatFailsIsAskedAgain(String reason, TokenProvider failing) throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Properties settings = settingsOf("tokens", "log.level", "7", "client.id", "fails-" + reason.hashCode());
        try (LogLines lines = new LogLines(settings.getProperty("client.id"));
             Producer producer = new Producer(settings,
                 () -> asked.incrementAndGet() <= 2 ? failing.token() : token(HOUR))) {
            sendTen(producer);
            assertEquals(3, asked.get());
            await("the log says why: " + reason, () -> lines.text().contains(reason));
            assertFalse(lines.text().contains(PLANTED), lines::text);
        }
    }

    @Test
    void aRefusedTokenIsToldAndAnotherOneAskedFor() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Supplier<Token> refused = () -> new Token(PLANTED + ".not.one", Instant.now().plus(HOUR));
        try (LogLines lines = new LogLines("refused");
             Producer producer = new Producer(settingsOf("tokens", "client.id", "refused"),
                 () -> asked.incrementAndGet() == 1 ? refused.get() : token(HOUR))) {
            sendTen(producer);
            await("the failed login is told", () -> lines.text().contains(NOT_LET_IN));
            assertFalse(lines.text().contains(PLANTED), lines::text);
        }
    }

    @Test
    void closeInterruptsAProviderAndLeavesNoThread() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<Throwable> ended = new CompletableFuture<>();
        Producer producer = new Producer(settingsOf("tokens", "client.id", "blocked"), () -> {
            begun.countDown();
            try {
                Thread.sleep(Long.MAX_VALUE);
                return null;
            } catch (InterruptedException exception) {
                ended.complete(exception);
                throw exception;
            }
        });
        assertTrue(begun.await(60, TimeUnit.SECONDS));
        assertTrue(hasThreadOfTokens("blocked"));
        producer.close();
        assertInstanceOf(InterruptedException.class, ended.get(60, TimeUnit.SECONDS));
        await("the thread ends", () -> !hasThreadOfTokens("blocked"));
    }

    @Test
    void aProviderAndWhatAsksForItBelongTogether() {
        TokenProvider provider = () -> token(HOUR);
        for (Properties settings : new Properties[] {settingsOf("mtls"), settingsOf("scram")}) {
            ConfigurationException exception =
                assertThrows(ConfigurationException.class, () -> new Producer(settings, provider));
            assertEquals("NOT_CONFIGURED", exception.codeName());
        }
        assertThrows(ConfigurationException.class,
            () -> new Producer(Map.of("bootstrap.servers", "127.0.0.1:1"), provider));
        ConfigurationException exception =
            assertThrows(ConfigurationException.class, () -> new Producer(settingsOf("tokens")));
        assertTrue(exception.getMessage().contains("TokenProvider"), exception.getMessage());
    }

    @Test
    void credentialsAreLoadedAnew() throws Exception {
        Properties settings = settingsOf("scram", "client.id", "reloads", "sasl.jaas.config", "", "sasl.username", USER,
            "sasl.password", PLANTED);
        Map<String, Object> right = mapOf(settingsOf("scram"));
        try (LogLines lines = new LogLines("reloads"); Producer producer = new Producer(settings)) {
            CompletableFuture<Delivery> delivery = producer.send(Record.of(Broker.freshTopic("reload"), "value"));
            await("the failed login is told", () -> lines.text().contains(NOT_LET_IN));
            producer.reloadCredentials(); // the same once more
            for (String listener : new String[] {"mtls", "tokens"}) {
                Map<String, Object> other = mapOf(settingsOf(listener));
                assertEquals("NOT_CONFIGURED",
                    assertThrows(SendoffException.class, () -> producer.reloadCredentials(other)).codeName());
            }
            Map<String, Object> missing = new HashMap<>(right);
            missing.put("ssl.truststore.location", "/no/such/file");
            String reason =
                assertThrows(SendoffException.class, () -> producer.reloadCredentials(missing)).getMessage();
            assertTrue(reason.contains("/no/such/file"), reason);
            producer.reloadCredentials(right);
            assertEquals(Outcome.DELIVERED, delivery.get(60, TimeUnit.SECONDS).outcome());
            assertFalse(lines.text().contains(PLANTED), lines::text);
        }
    }

    @Test
    void whoHasNoUseForCredentialsSaysSo() {
        Producer producer = Broker.EMBEDDED.producer();
        assertEquals("NOT_CONFIGURED",
            assertThrows(SendoffException.class, producer::reloadCredentials).codeName());
        producer.close();
        assertThrows(ClosedException.class, producer::reloadCredentials);
    }

    @Test
    void aPasswordMayBeAnArrayOfCharacters() throws Exception {
        Map<String, Object> settings = mapOf(settingsOf("scram"));
        char[] module = ((String) settings.get("sasl.jaas.config")).toCharArray();
        settings.put("sasl.jaas.config", module);
        try (Producer producer = new Producer(settings)) {
            Arrays.fill(module, ' ');
            sendTen(producer);
        }
    }

    @Test
    void secretsAreNotShown() {
        Token token = new Token(PLANTED, Instant.EPOCH, USER, Map.of("pool", "one"));
        assertEquals("Token[value=[hidden], expires=1970-01-01T00:00:00Z, principal=alice, extensions={pool=one}]",
            token.toString());
        Properties settings =
            settingsOf("scram", "sasl.jaas.config", "", "sasl.username", USER, "sasl.password", PLANTED);
        try (Producer producer = new Producer(settings)) {
            assertEquals("[hidden]", producer.settings().get("sasl.password"));
            assertEquals(USER, producer.settings().get("sasl.username"));
            assertFalse(producer.settings().toString().contains(PLANTED));
        }
        Properties withNul = settingsOf("scram", "sasl.password", PLANTED + "\0");
        Properties unreadable = settingsOf("scram", "sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required password=\"" + PLANTED);
        for (Properties wrong : new Properties[] {withNul, unreadable}) {
            ConfigurationException exception = assertThrows(ConfigurationException.class, () -> new Producer(wrong));
            assertFalse(exception.toString().contains(PLANTED), exception::toString);
        }
    }
}
