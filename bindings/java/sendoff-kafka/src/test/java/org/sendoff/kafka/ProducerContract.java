package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.NetworkException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;

/**
 * What programs rely on in {@code KafkaProducer}, transactions aside: {@link SendContract}, and topics, flush, close,
 * refusals, timeouts, interrupts, settings and metrics.
 */
abstract class ProducerContract extends SendContract {
    ProducerContract(ProducerFactory factory, String bootstrap) {
        super(factory, bootstrap);
    }

    // ---- Topics

    @Test
    void partitionsAreTold() {
        List<PartitionInfo> partitions = producer().partitionsFor(topic);

        assertEquals(3, partitions.size());
        Set<Integer> numbers = new TreeSet<>();
        for (PartitionInfo partition : partitions) {
            assertEquals(topic, partition.topic());
            assertNotNull(partition.leader());
            assertEquals(1, partition.replicas().length);
            assertEquals(partition.leader().id(), partition.inSyncReplicas()[0].id());
            assertEquals(0, partition.offlineReplicas().length);
            numbers.add(partition.partition());
        }
        assertEquals(Set.of(0, 1, 2), numbers);
        assertThrows(NullPointerException.class, () -> producer().partitionsFor(null));
    }

    @Test
    void aTopicThatDoesNotExistTimesOut() throws Exception {
        try (SmallBroker broker = new SmallBroker("other")) {
            Told told = new Told();
            Producer<String, String> producer =
                producer("bootstrap.servers", broker.bootstrap(), "max.block.ms", 500);
            Throwable failure = failureOf(producer.send(new ProducerRecord<>(topic, "value"), told));

            assertInstanceOf(TimeoutException.class, failure);
            assertInstanceOf(TimeoutException.class, told.exception());
            assertEquals(topic, told.metadata().get(0).topic());
            assertThrows(TimeoutException.class, () -> producer.partitionsFor(topic));
        }
    }

    @Test
    void aTopicNameThatIsNotAllowedFailsByFutureAndCallback() {
        Told told = new Told();
        Producer<String, String> producer = producer();
        Throwable failure = failureOf(producer.send(new ProducerRecord<>("not a topic!", "value"), told));

        assertInstanceOf(InvalidTopicException.class, failure);
        assertInstanceOf(InvalidTopicException.class, told.exception());
        assertThrows(InvalidTopicException.class, () -> producer.partitionsFor("not a topic!"));
    }

    // ---- Flush and close

    @Test
    void flushMakesEveryFutureDone() {
        Told told = new Told();
        Producer<String, String> producer = producer(LINGERING);
        List<Future<RecordMetadata>> futures = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            futures.add(producer.send(record("value " + i), told));
        }
        producer.flush();

        assertTrue(futures.stream().allMatch(Future::isDone));
        assertEquals(50, told.times());
        producer.flush();
    }

    @Test
    void flushWithinACallbackIsRefused() throws Exception {
        Producer<String, String> producer = producer();
        CompletableFuture<Throwable> failure = new CompletableFuture<>();
        producer.send(record("value"), (metadata, exception) -> {
            try {
                producer.flush();
                failure.complete(null);
            } catch (KafkaException refused) {
                failure.complete(refused);
            }
        });
        assertInstanceOf(KafkaException.class, failure.get(Brokers.DEADLINE_SECONDS, TimeUnit.SECONDS));
    }

    @Test
    void closeCompletesEverything() throws Exception {
        Told told = new Told();
        Producer<String, String> producer = producer(LINGERING);
        Future<RecordMetadata> future = producer.send(record("value"), told);
        producer.close();

        assertTrue(future.isDone());
        assertEquals(0, get(future).offset());
        assertNull(told.exception());
    }

    @Test
    void closeWithATimeoutCompletesEverythingInTime() throws Exception {
        Producer<String, String> producer = producer(LINGERING);
        Future<RecordMetadata> future = producer.send(record("value"));
        producer.close(Duration.ofSeconds(Brokers.DEADLINE_SECONDS));

        assertTrue(future.isDone());
        assertEquals(0, get(future).offset());
    }

    @Test
    void closeWithoutTimeFailsWhatIsPending() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Told told = new Told();
            Producer<String, String> producer = producer("bootstrap.servers", broker.bootstrap());
            warmUp(producer, topic);
            broker.freeze();
            Future<RecordMetadata> future = producer.send(record("value"), told);
            producer.close(Duration.ZERO);

            assertInstanceOf(KafkaException.class, failureOf(future));
            assertInstanceOf(KafkaException.class, told.exception());
        }
    }

    @Test
    void closingTwiceIsHarmless() throws Exception {
        Producer<String, String> producer = producer();
        Future<RecordMetadata> future = producer.send(record("value"));
        producer.close();
        producer.close();
        producer.close(Duration.ofSeconds(1));
        assertEquals(0, get(future).offset());
    }

    @Test
    void sendAfterCloseIsRefused() {
        Told told = new Told();
        Producer<String, String> producer = producer("interceptor.classes", Recording.First.class.getName());
        producer.close();

        assertThrows(IllegalStateException.class, () -> producer.send(record("value"), told));
        assertEquals(0, told.times());
        assertEquals(1, Recording.count("First told of IllegalStateException offset -1 partition 0"));
    }

    @Test
    void serializersAreNotCalledAfterClose() {
        Producer<String, String> producer =
            closedLater(factory.create(settings(), new StringSerializer(), new Recording.TextSerializer()));
        producer.close();
        ProducerRecord<String, String> record = record("value");

        assertThrows(IllegalStateException.class, () -> producer.send(record));
        assertEquals(0, record.headers().toArray().length);
    }

    @Test
    void otherCallsAfterCloseAreHarmlessOrRefused() {
        Producer<String, String> producer = producer();
        producer.close();

        producer.flush();
        assertThrows(KafkaException.class, () -> producer.partitionsFor(topic));
        assertNotNull(producer.metrics());
    }

    @Test
    void closeWithinACallbackDoesNotWaitForItself() throws Exception {
        Producer<String, String> producer = producer();
        CompletableFuture<Boolean> closed = new CompletableFuture<>();
        producer.send(record("value"), (metadata, exception) -> {
            producer.close();
            closed.complete(true);
        });

        assertTrue(closed.get(Brokers.DEADLINE_SECONDS, TimeUnit.SECONDS));
        assertThrows(IllegalStateException.class, () -> producer.send(record("late")));
    }

    @Test
    void aNegativeTimeoutOfCloseIsRefused() throws Exception {
        Producer<String, String> producer = producer();
        assertThrows(IllegalArgumentException.class, () -> producer.close(Duration.ofMillis(-1)));
        assertEquals(0, get(producer.send(record("still open"))).offset());
    }

    @Test
    void closingRacesSending() throws Exception {
        Producer<String, String> producer = producer();
        AtomicInteger delivered = new AtomicInteger();
        AtomicInteger accepted = new AtomicInteger();
        CountDownLatch underWay = new CountDownLatch(100);
        Thread sender = new Thread(() -> {
            try {
                while (true) {
                    producer.send(record("value"), (metadata, exception) -> {
                        if (exception == null) {
                            delivered.incrementAndGet();
                        }
                    });
                    accepted.incrementAndGet();
                    underWay.countDown();
                }
            } catch (IllegalStateException closed) {
                underWay.countDown();
            } catch (KafkaException closedMeanwhile) {
                underWay.countDown();
            }
        });
        sender.start();
        assertTrue(underWay.await(Brokers.DEADLINE_SECONDS, TimeUnit.SECONDS));
        producer.close();
        sender.join();

        assertTrue(accepted.get() >= 100);
        assertEquals(accepted.get(), delivered.get());
    }

    // ---- Refusals, exhaustion, timeouts, interrupts

    @Test
    void aRecordThatIsTooLargeFailsByFutureAndCallback() throws Exception {
        Told told = new Told();
        Producer<String, String> producer = producer("max.request.size", 10_000);
        Future<RecordMetadata> future = producer.send(record("x".repeat(20_000)), told);

        assertTrue(future.isDone());
        assertInstanceOf(RecordTooLargeException.class, failureOf(future));
        assertInstanceOf(RecordTooLargeException.class, told.exception());
        assertEquals(topic, told.metadata().get(0).topic());
        assertEquals(0, get(producer.send(record("small"))).offset());
    }

    /** A producer whose broker answers nothing any more, and whose memory is full. */
    private Producer<String, String> exhausted(SmallBroker broker, Told told) {
        Producer<String, String> producer = producer("bootstrap.servers", broker.bootstrap(),
            "buffer.memory", 65_536, "batch.size", 4096, "max.block.ms", 300);
        warmUp(producer, topic);
        broker.freeze();
        while (told.exceptions().stream().allMatch(Objects::isNull)) {
            assertTrue(told.times() < 1000, "the memory has no end");
            producer.send(record("x".repeat(2000)), told);
        }
        return producer;
    }

    @Test
    void exhaustedMemoryFailsByFutureAndCallback() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Told told = new Told();
            Producer<String, String> producer = exhausted(broker, told);
            Throwable failure = failureOf(producer.send(record("x".repeat(2000)), told));

            assertInstanceOf(BufferExhaustedException.class, failure);
            assertTrue(told.exceptions().stream().anyMatch(BufferExhaustedException.class::isInstance));
            assertInstanceOf(TimeoutException.class, failure);
        }
    }

    @Test
    void exhaustedMemoryIsFreeAgainWhenTheBrokerAnswers() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Producer<String, String> producer = exhausted(broker, new Told());
            broker.thaw();
            producer.flush();
            assertTrue(get(producer.send(record("x".repeat(2000)))).hasOffset());
        }
    }

    @Test
    void anInterruptEndsTheWaitForMemory() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Told told = new Told();
            Producer<String, String> producer = exhausted(broker, new Told());
            Thread.currentThread().interrupt();

            assertThrows(InterruptException.class, () -> producer.send(record("x".repeat(2000)), told));
            assertTrue(Thread.interrupted());
            assertEquals(0, told.times());
        }
    }

    @Test
    void anInterruptEndsFlush() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Producer<String, String> producer = producer("bootstrap.servers", broker.bootstrap());
            warmUp(producer, topic);
            broker.freeze();
            producer.send(record("value"));
            Thread.currentThread().interrupt();

            assertThrows(InterruptException.class, producer::flush);
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void anInterruptEndsClose() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Producer<String, String> producer = producer("bootstrap.servers", broker.bootstrap());
            warmUp(producer, topic);
            broker.freeze();
            Future<RecordMetadata> future = producer.send(record("value"));
            Thread.currentThread().interrupt();

            assertThrows(InterruptException.class, producer::close);
            assertTrue(Thread.interrupted());
            assertInstanceOf(KafkaException.class, failureOf(future));
        }
    }

    @Test
    void aRecordThatIsNotDeliveredInTimeFailsByFutureAndCallback() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Told told = new Told();
            Producer<String, String> producer = producer("bootstrap.servers", broker.bootstrap(),
                "linger.ms", 0, "request.timeout.ms", 400, "delivery.timeout.ms", 500);
            warmUp(producer, topic);
            broker.freeze();
            Throwable failure = failureOf(producer.send(record("value"), told));

            assertInstanceOf(TimeoutException.class, failure);
            assertInstanceOf(TimeoutException.class, told.exception());
            assertEquals(0, told.metadata().get(0).partition());
        }
    }

    @Test
    void aConnectionThatBreaksFailsARecordThatIsNotRetried() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Told told = new Told();
            Producer<String, String> producer = producer("bootstrap.servers", broker.bootstrap(),
                "client.id", "broken", "retries", 0, "linger.ms", 0, "enable.metrics.push", false);
            warmUp(producer, topic);
            broker.freeze();
            Future<RecordMetadata> future = producer.send(record("value"), told);
            Brokers.eventually(() -> (double) metric(producer, "requests-in-flight", "broken").metricValue() > 0);
            broker.close();

            assertInstanceOf(NetworkException.class, failureOf(future));
            assertInstanceOf(NetworkException.class, told.exception());
        }
    }

    @Test
    void aClusterThatNeverAnswersTimesOut() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Told told = new Told();
            Producer<String, String> producer = producer("bootstrap.servers", "127.0.0.1:" + silent.getLocalPort(),
                "max.block.ms", 300, "linger.ms", 0, "request.timeout.ms", 200, "delivery.timeout.ms", 300);

            assertInstanceOf(TimeoutException.class, failureOf(producer.send(record("value"), told)));
            assertInstanceOf(TimeoutException.class, told.exception());
            assertThrows(TimeoutException.class, () -> producer.partitionsFor(topic));
        }
    }

    // ---- Settings

    @Test
    void serializersMustBeNamedOrGiven() {
        assertThrows(ConfigException.class, () -> factory.create(settings()));
        assertThrows(ConfigException.class, () -> factory.create(settings(), new StringSerializer(), null));
    }

    @Test
    void badValuesAreRefused() {
        assertThrows(ConfigException.class, () -> producer("acks", "2"));
        assertThrows(ConfigException.class, () -> producer("linger.ms", "soon"));
        assertThrows(ConfigException.class, () -> producer("compression.type", "lzma"));
        assertThrows(ConfigException.class, () -> producer("partitioner.class", "no.such.Partitioner"));
    }

    private void assertFailsToConstruct(Object... pairs) {
        KafkaException failure = assertThrows(KafkaException.class, () -> producer(pairs));
        assertInstanceOf(ConfigException.class, failure.getCause());
    }

    @Test
    void bootstrapServersMustResolve() {
        assertFailsToConstruct("bootstrap.servers", "no-such-host.invalid:9092");
        assertFailsToConstruct("bootstrap.servers", "127.0.0.1");
    }

    @Test
    void timeoutsThatContradictEachOtherAreRefusedAndWhatWasMadeIsClosed() {
        Map<String, Object> settings = settings("delivery.timeout.ms", 1000, "request.timeout.ms", 2000,
            "key.serializer", Recording.TextSerializer.class, "value.serializer", Recording.TextSerializer.class);
        KafkaException failure = assertThrows(KafkaException.class, () -> factory.create(settings));

        assertInstanceOf(ConfigException.class, failure.getCause());
        assertEquals(1, Recording.count("key serializer closed"));
        assertEquals(1, Recording.count("value serializer closed"));
    }

    @Test
    void whatContradictsIdempotenceIsRefusedIfThatWasAskedFor() {
        assertThrows(ConfigException.class, () -> producer("enable.idempotence", true, "acks", "1"));
        assertThrows(ConfigException.class, () -> producer("enable.idempotence", true, "retries", 0));
        assertThrows(ConfigException.class, () -> producer("max.in.flight.requests.per.connection", 6));
    }

    @Test
    void acksOneTurnsIdempotenceOffInsteadOfContradictingIt() throws Exception {
        assertEquals(0, get(producer("acks", "1").send(record("value"))).offset());
        assertEquals(1, get(producer("retries", 0).send(record("value"))).offset());
    }

    @Test
    void withoutAcknowledgementsThereIsNoOffset() throws Exception {
        Told told = new Told();
        Producer<String, String> producer = producer("acks", "0");
        RecordMetadata metadata = get(producer.send(record("value"), told));

        assertFalse(metadata.hasOffset());
        assertEquals(-1, metadata.offset());
        assertNull(told.exception());
    }

    @Test
    void settingsThatNobodyKnowsAreIgnored() throws Exception {
        Producer<String, String> producer = producer("schema.registry.url", "nowhere", "ssl.truststore.password", "x");
        assertEquals(0, get(producer.send(record("value"))).offset());
    }

    // ---- Metrics and transactions

    private static Metric metric(Producer<?, ?> producer, String name, String client) {
        return producer.metrics().get(
            new MetricName(name, "producer-metrics", "", Map.of("client-id", client)));
    }

    @Test
    void metricsCount() throws Exception {
        Producer<String, String> producer = producer("client.id", "measured", "buffer.memory", 1 << 20);
        for (int i = 0; i < 10; i++) {
            producer.send(record("value"));
        }
        producer.flush();

        assertEquals(10.0, metric(producer, "record-send-total", "measured").metricValue());
        assertEquals(0.0, metric(producer, "record-error-total", "measured").metricValue());
        assertEquals(1048576.0, metric(producer, "buffer-total-bytes", "measured").metricValue());
        assertTrue((double) metric(producer, "requests-in-flight", "measured").metricValue() >= 0);
        assertTrue((double) metric(producer, "request-total", "measured").metricValue() >= 1);
        assertTrue((double) metric(producer, "record-send-rate", "measured").metricValue() >= 0);
        assertThrows(UnsupportedOperationException.class, () -> producer.metrics().clear());
    }

    @Test
    void refusedRecordsAreCountedAsErrors() {
        Producer<String, String> producer = producer("client.id", "refusing", "max.request.size", 1000);
        producer.send(record("x".repeat(2000)));
        assertEquals(1.0, metric(producer, "record-error-total", "refusing").metricValue());
    }

    @Test
    void producersWithoutANameAreNumbered() {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < 2; i++) {
            for (MetricName name : producer().metrics().keySet()) {
                if (name.name().equals("record-send-total") && name.group().equals("producer-metrics")) {
                    names.add(name.tags().get("client-id"));
                }
            }
        }
        assertEquals(2, names.size());
        assertTrue(names.stream().allMatch(name -> name.matches("producer-\\d+")), names::toString);
    }

    @Test
    void reportersAreGivenTheMetricsAndClosed() {
        Producer<String, String> producer =
            producer("client.id", "reported", "metric.reporters", Recording.Reporter.class.getName());

        assertTrue(Recording.METRICS.stream().anyMatch(
            metric -> metric.metricName().name().equals("record-send-total")));
        producer.close();
        assertEquals(List.of("reporter configured for reported", "reporter closed"), Recording.EVENTS);
    }

    @Test
    void metricsAreInJmxUntilClose() throws Exception {
        ObjectName name = new ObjectName("kafka.producer:type=producer-metrics,client-id=managed");
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        Producer<String, String> producer = producer("client.id", "managed");
        get(producer.send(record("value")));

        assertEquals(1.0, server.getAttribute(name, "record-send-total"));
        producer.close();
        assertFalse(server.isRegistered(name));
    }

    @Test
    void pluginsMayHaveMetricsOfTheirOwn() {
        Producer<String, String> producer =
            producer("client.id", "plugged", "interceptor.classes", Recording.Monitored.class.getName());
        assertTrue(producer.metrics().keySet().stream().anyMatch(
            name -> name.name().equals("own-metric") && name.tags().get("class").equals("Monitored")
                && name.tags().get("client-id").equals("plugged")));
    }

    @Test
    void withoutTelemetryThereIsNoInstanceId() {
        Producer<String, String> producer = producer("enable.metrics.push", false);
        assertThrows(IllegalStateException.class, () -> producer.clientInstanceId(Duration.ofSeconds(1)));
    }

    @Test
    void transactionsNeedATransactionalId() {
        Producer<String, String> producer = producer();
        Map<TopicPartition, OffsetAndMetadata> offsets =
            Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1));
        assertThrows(IllegalStateException.class, producer::initTransactions);
        assertThrows(IllegalStateException.class, producer::beginTransaction);
        assertThrows(IllegalStateException.class, producer::commitTransaction);
        assertThrows(IllegalStateException.class, producer::abortTransaction);
        assertThrows(IllegalStateException.class,
            () -> producer.sendOffsetsToTransaction(offsets, new MockConsumer<>("earliest").groupMetadata()));
    }
}
