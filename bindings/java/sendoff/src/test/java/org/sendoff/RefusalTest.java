package org.sendoff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Errors are exceptions of their own types, at once where something is refused, by the delivery otherwise. */
class RefusalTest {
    private static ConfigurationException refused(Object... settings) {
        return assertThrows(ConfigurationException.class, () -> Broker.producerToNobody(settings));
    }

    private static SendoffException failure(CompletableFuture<Delivery> future) {
        var exception = assertThrows(ExecutionException.class, () -> future.get(60, TimeUnit.SECONDS));
        return assertInstanceOf(SendoffException.class, exception.getCause());
    }

    @Test
    void anUnknownSettingIsNamed() {
        ConfigurationException exception = refused("linger.msec", "5");
        assertEquals("linger.msec", exception.setting());
        assertEquals("UNKNOWN_SETTING", exception.codeName());
        assertTrue(exception.getMessage().contains("linger.ms"), exception.getMessage());
        assertEquals(Outcome.NOT_DELIVERED, exception.outcome());
    }

    @Test
    void aBadValueIsNamedWithWhatIsAllowed() {
        ConfigurationException exception = refused("acks", "some");
        assertEquals("acks", exception.setting());
        assertEquals("INVALID_SETTING", exception.codeName());
        assertTrue(exception.getMessage().contains("some"), exception.getMessage());
        assertTrue(exception.getMessage().contains("all"), exception.getMessage());
    }

    @Test
    void aNullValueIsNamed() {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", "127.0.0.1:1"));
        settings.put("client.id", null);
        assertEquals("client.id", assertThrows(ConfigurationException.class, () -> new Producer(settings)).setting());
    }

    @Test
    void contradictingSettingsAreNamed() {
        ConfigurationException exception = refused("acks", "1", "enable.idempotence", "true");
        assertTrue(exception.getMessage().contains("enable.idempotence"), exception.getMessage());
        assertTrue(exception.getMessage().contains("acks"), exception.getMessage());
    }

    @Test
    void missingServersAreNamed() {
        var exception = assertThrows(ConfigurationException.class, () -> new Producer(Map.of()));
        assertEquals("bootstrap.servers", exception.setting());
    }

    @Test
    void anotherWayOfReportingIsRefused() {
        assertEquals("delivery.report.mode", refused("delivery.report.mode", "none").setting());
        Broker.producerToNobody("delivery.report.mode", "queue").close();
    }

    @Test
    void unknownSettingsCanBeAllowed() {
        Broker.producerToNobody("my.own", "1", "unknown.settings", "warn").close();
    }

    @Test
    void aRecordTooLargeIsRefusedAtOnce() {
        try (Producer producer = Broker.producerToNobody("max.request.size", 1000)) {
            Record record = Record.of("topic", new byte[2000]);
            var exception = assertThrows(RecordTooLargeException.class, () -> producer.send(record));
            assertEquals("RECORD_TOO_LARGE", exception.codeName());
            assertFalse(exception.isRetriable());
            assertFalse(exception.isFatal());
            assertEquals(0, producer.counters().recordsAccepted());
        }
    }

    @Test
    void aTopicThatCannotBeIsRefusedAtOnce() {
        try (Producer producer = Broker.producerToNobody()) {
            var exception =
                assertThrows(BrokerException.class, () -> producer.send(Record.of("no such/topic", "value")));
            assertEquals(17, exception.code());
            assertEquals("INVALID_TOPIC_EXCEPTION", exception.codeName());
        }
    }

    @Test
    void argumentsThatCannotBeAreRefused() {
        assertThrows(NullPointerException.class, () -> Record.of(null, "value"));
        assertThrows(NullPointerException.class, () -> new Header(null, new byte[0]));
        assertThrows(IllegalArgumentException.class, () -> Record.to("topic").partition(-1));
        assertThrows(IllegalArgumentException.class, () -> Record.to("topic").timestamp(-1));
        try (Producer producer = Broker.producerToNobody()) {
            assertThrows(NullPointerException.class, () -> producer.send(null));
            assertThrows(IllegalArgumentException.class, () -> producer.send(Record.of("top\0ic", "value")));
            assertThrows(IllegalArgumentException.class, () -> producer.flush(Duration.ofMillis(-1)));
            assertThrows(IllegalArgumentException.class, () -> producer.close(Duration.ofMillis(-1)));
            producer.send(Record.of("topic", "still open"));
            assertFalse(producer.close(Duration.ZERO));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPartitionThatIsNotThereFails(Broker broker) {
        String topic = Broker.freshTopic("out-of-range");
        try (Producer producer = broker.producer()) {
            producer.partitionsFor(topic, Duration.ofSeconds(30));
            Record record = Record.to(topic).partition(77).value("value").build();
            SendoffException exception;
            try {
                exception = failure(producer.send(record));
            } catch (SendoffException refused) {
                exception = refused;
            }
            assertEquals("PARTITION_OUT_OF_RANGE", exception.codeName());
            assertEquals(Outcome.NOT_DELIVERED, exception.outcome());
        }
    }

    @Test
    void whatTheBrokerRefusesHasKafkasOwnCode() {
        String topic = Broker.freshTopic("refused");
        try (Producer producer = Broker.KAFKA.producer("max.request.size", 4_000_000)) {
            byte[] value = new byte[3_000_000];
            Arrays.fill(value, (byte) 'x');
            SendoffException exception = failure(producer.send(Record.of(topic, value)));
            assertInstanceOf(BrokerException.class, exception);
            assertEquals(10, exception.code());
            assertEquals("MESSAGE_TOO_LARGE", exception.codeName());
            assertEquals(Outcome.NOT_DELIVERED, exception.outcome());
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTopicThatIsNotMadeIsUnknown(Broker broker) {
        String topic = Broker.freshTopic("unknown");
        try (Producer producer = broker.producer("allow.auto.create.topics", false,
            "topic.metadata.propagation.max.ms", 500)) {
            assertEquals(3, failure(producer.send(Record.of(topic, "value"))).code());
            var exception =
                assertThrows(BrokerException.class, () -> producer.partitionsFor(topic, Duration.ofSeconds(30)));
            assertEquals("UNKNOWN_TOPIC_OR_PARTITION", exception.codeName());
        }
    }

    @Test
    void aRecordThatIsNotAcknowledgedInTimeIsReported() {
        try (Producer producer = Broker.producerToNobody("delivery.timeout.ms", 300, "request.timeout.ms", 100)) {
            SendoffException exception = failure(producer.send(Record.of("topic", "value")));
            assertInstanceOf(DeliveryTimeoutException.class, exception);
            assertEquals(Outcome.NOT_DELIVERED, exception.outcome());
            assertTrue(exception.getMessage().contains("topic"), exception.getMessage());
        }
    }

    @Test
    void fullMemoryRefusesAfterTheTimeForIt() {
        try (Producer producer = Broker.producerToNobody("buffer.memory", 65536, "batch.size", 16384,
            "max.block.ms", 100)) {
            Record record = Record.of("topic", new byte[10_000]);
            var exception = assertThrows(BufferFullException.class, () -> {
                for (int i = 0; i < 100; i++) {
                    producer.send(record);
                }
            });
            assertTrue(exception.isRetriable());
            assertTrue(producer.counters().recordsAccepted() > 0);
            producer.close(Duration.ZERO);
        }
    }

    /** Interrupts a thread that waits in a call, and gives what the call threw. */
    private static SendoffException interrupted(Runnable call) throws Exception {
        AtomicReference<SendoffException> thrown = new AtomicReference<>();
        AtomicReference<Boolean> flagged = new AtomicReference<>();
        Thread thread = new Thread(() -> {
            try {
                call.run();
            } catch (SendoffException exception) {
                thrown.set(exception);
                flagged.set(Thread.interrupted());
            }
        });
        thread.start();
        while (thread.isAlive()) {
            thread.interrupt();
            thread.join(100);
        }
        assertInstanceOf(InterruptException.class, thrown.get());
        assertTrue(flagged.get());
        return thrown.get();
    }

    @Test
    void waitsCanBeInterrupted() throws Exception {
        try (Producer producer = Broker.producerToNobody("buffer.memory", 65536, "batch.size", 16384)) {
            Record record = Record.of("topic", new byte[10_000]);
            SendoffException refused = interrupted(() -> {
                while (true) {
                    producer.send(record);
                }
            });
            assertEquals(Outcome.NOT_DELIVERED, refused.outcome());
            // What was accepted may still arrive, so that sending it again may duplicate it.
            assertEquals(Outcome.UNKNOWN, interrupted(producer::flush).outcome());
            interrupted(() -> producer.flush(Duration.ofHours(1)));
            interrupted(() -> producer.connect(Duration.ofHours(1)));
            interrupted(() -> producer.partitionsFor("topic", Duration.ofHours(1)));
            assertEquals(Outcome.UNKNOWN, interrupted(producer::close).outcome());
            assertFalse(producer.close(Duration.ZERO));
        }
    }

    @ParameterizedTest
    @EnumSource
    void anAnswerThatIsThereIsGivenInSpiteOfAnInterrupt(Broker broker) {
        String topic = Broker.freshTopic("answered");
        try (Producer producer = broker.producer()) {
            List<PartitionInfo> partitions = producer.partitionsFor(topic, Duration.ofSeconds(30));
            Thread.currentThread().interrupt();
            assertEquals(partitions, producer.partitionsFor(topic, Duration.ofSeconds(30)));
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void waitsEndInTime() {
        try (Producer producer = Broker.producerToNobody()) {
            producer.send(Record.of("topic", "value"));
            var flush = assertThrows(TimeoutException.class, () -> producer.flush(Duration.ofMillis(50)));
            assertEquals("TIMED_OUT", flush.codeName());
            assertEquals(Outcome.UNKNOWN, flush.outcome());
            assertThrows(TimeoutException.class, () -> producer.flush(Duration.ZERO));
            assertThrows(TimeoutException.class, () -> producer.partitionsFor("topic", Duration.ofMillis(50)));
            var connect = assertThrows(TimeoutException.class, () -> producer.connect(Duration.ofMillis(300)));
            assertTrue(connect.getMessage().contains("127.0.0.1:1"), connect.getMessage());
            assertEquals(1, producer.counters().recordsPending());
            assertTrue(producer.counters().bufferBytesStaged() > 0);
            assertFalse(producer.close(Duration.ofMillis(50)));
        }
    }
}
