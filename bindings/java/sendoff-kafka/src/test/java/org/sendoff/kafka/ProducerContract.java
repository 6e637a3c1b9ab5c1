package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.clients.producer.RoundRobinPartitioner;
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
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.IntegerSerializer;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.Test;

/** What programs rely on in {@code KafkaProducer}, transactions aside. */
abstract class ProducerContract extends ContractSupport {
    /** Long enough that no batch goes out by itself while a test runs. */
    private static final Object[] LINGERING = {"linger.ms", 600_000, "delivery.timeout.ms", 900_000};

    ProducerContract(ProducerFactory factory, String bootstrap) {
        super(factory, bootstrap);
    }

    // ---- Futures and callbacks

    @Test
    void aFutureTellsWhereItsRecordIs() throws Exception {
        RecordMetadata metadata = get(producer().send(new ProducerRecord<>(topic, 1, "key", "value")));

        assertEquals(topic, metadata.topic());
        assertEquals(1, metadata.partition());
        assertTrue(metadata.hasOffset());
        assertEquals(0, metadata.offset());
        assertEquals(1, Brokers.readOne(bootstrap, topic).partition());
    }

    @Test
    void offsetsCountUpWithinAPartition() throws Exception {
        Producer<String, String> producer = producer();
        List<Future<RecordMetadata>> futures = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            futures.add(producer.send(record("value " + i)));
        }
        for (int i = 0; i < 100; i++) {
            assertEquals(i, get(futures.get(i)).offset());
        }
    }

    @Test
    void aCallbackIsToldWhatTheFutureTells() throws Exception {
        Told told = new Told();
        RecordMetadata metadata = get(producer().send(record("value"), told));

        assertNull(told.exception());
        assertEquals(metadata.offset(), told.metadata().get(0).offset());
        assertEquals(metadata.timestamp(), told.metadata().get(0).timestamp());
        assertEquals(metadata.toString(), told.metadata().get(0).toString());
    }

    @Test
    void callbacksRunInTheOrderOfSendWithinAPartition() {
        Told told = new Told();
        Producer<String, String> producer = producer("batch.size", 500);
        for (int i = 0; i < 500; i++) {
            producer.send(record("value " + i), told);
        }
        producer.flush();

        assertEquals(500, told.times());
        for (int i = 0; i < 500; i++) {
            assertNull(told.exceptions().get(i));
            assertEquals(i, told.metadata().get(i).offset());
        }
    }

    @Test
    void callbacksRunOnOneThreadWhichIsNotTheCallers() {
        Told told = new Told();
        Producer<String, String> producer = producer();
        for (int partition = 0; partition < 3; partition++) {
            producer.send(new ProducerRecord<>(topic, partition, null, "value"), told);
        }
        producer.flush();

        Set<Thread> threads = new HashSet<>(told.threads());
        assertEquals(3, told.times());
        assertEquals(1, threads.size());
        assertFalse(threads.contains(Thread.currentThread()));
    }

    @Test
    void aCallbackRunsBeforeItsFutureIsDone() throws Exception {
        CompletableFuture<Future<RecordMetadata>> sent = new CompletableFuture<>();
        CompletableFuture<Boolean> doneInCallback = new CompletableFuture<>();
        Future<RecordMetadata> future =
            producer().send(record("value"), (metadata, exception) -> doneInCallback.complete(sent.join().isDone()));
        assertFalse(future.isDone());
        sent.complete(future);

        get(future);
        assertFalse(doneInCallback.getNow(true));
        assertTrue(future.isDone());
    }

    @Test
    void anExceptionInACallbackHarmsNothingElse() throws Exception {
        Told told = new Told();
        Producer<String, String> producer = producer(LINGERING);
        Future<RecordMetadata> first = producer.send(record("first"), (metadata, exception) -> {
            throw new IllegalStateException("a callback fails");
        });
        producer.send(record("second"), told);
        producer.flush();

        assertEquals(0, get(first).offset());
        assertNull(told.exception());
    }

    @Test
    void aCallbackMaySend() throws Exception {
        Producer<String, String> producer = producer();
        CompletableFuture<Future<RecordMetadata>> second = new CompletableFuture<>();
        producer.send(record("first"), (metadata, exception) -> second.complete(producer.send(record("second"))));

        assertEquals(1, get(second.get(Brokers.DEADLINE_SECONDS, TimeUnit.SECONDS)).offset());
    }

    @Test
    void cancellingAFutureRecallsNothing() throws Exception {
        Producer<String, String> producer = producer(LINGERING);
        Future<RecordMetadata> future = producer.send(record("value"));

        assertFalse(future.cancel(true));
        assertFalse(future.isCancelled());
        producer.flush();
        assertEquals(0, get(future).offset());
    }

    @Test
    void waitingForAFutureEndsByItsTimeout() {
        Future<RecordMetadata> future = producer(LINGERING).send(record("value"));
        assertThrows(java.util.concurrent.TimeoutException.class, () -> future.get(1, TimeUnit.MILLISECONDS));
        assertFalse(future.isDone());
    }

    @Test
    void waitingForAFutureEndsByAnInterrupt() {
        Future<RecordMetadata> future = producer(LINGERING).send(record("value"));
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, future::get);
    }

    @Test
    void manyThreadsMaySend() throws Exception {
        Producer<String, String> producer = producer();
        AtomicInteger delivered = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Thread thread = new Thread(() -> {
                for (int each = 0; each < 500; each++) {
                    producer.send(new ProducerRecord<>(topic, "key " + each, "value"), (metadata, exception) -> {
                        if (exception == null) {
                            delivered.incrementAndGet();
                        }
                    });
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        producer.close();

        assertEquals(2000, delivered.get());
        assertEquals(2000, Brokers.read(bootstrap, topic, 2000).size());
    }

    // ---- Constructors and serializers

    @Test
    void serializersAreMadeByClassNameConfiguredGivenHeadersAndClosed() throws Exception {
        Producer<String, String> producer = producerOfClassNames("client.id", "named", "custom.setting", "custom",
            "key.serializer", Recording.TextSerializer.class.getName(),
            "value.serializer", Recording.TextSerializer.class);
        assertEquals(List.of("key serializer configured for named with custom",
            "value serializer configured for named with custom"), Recording.EVENTS);

        get(producer.send(new ProducerRecord<>(topic, "key", "value")));
        producer.close();

        ConsumerRecord<byte[], byte[]> stored = Brokers.readOne(bootstrap, topic);
        assertArrayEquals(bytes("key"), stored.key());
        assertArrayEquals(bytes("value"), stored.value());
        List<String> names = new ArrayList<>();
        stored.headers().forEach(header -> names.add(header.key()));
        assertEquals(List.of("key-by", "value-by"), names);
        assertEquals(1, Recording.count("key serializer closed"));
        assertEquals(1, Recording.count("value serializer closed"));
    }

    @Test
    void serializersGivenAsObjectsAreClosedButNotConfigured() {
        Serializer<String> serializer = new Recording.TextSerializer();
        Producer<String, String> producer =
            closedLater(factory.create(settings(), serializer, new StringSerializer()));
        assertEquals(List.of(), Recording.EVENTS);

        producer.close();
        assertEquals(List.of("value serializer closed"), Recording.EVENTS);
    }

    @Test
    void propertiesAreTakenAsMapsAre() throws Exception {
        Properties properties = new Properties();
        properties.putAll(settings("acks", "all", "linger.ms", "0"));
        Producer<Long, Integer> producer =
            closedLater(factory.create(properties, new LongSerializer(), new IntegerSerializer()));
        get(producer.send(new ProducerRecord<>(topic, 7L, 9)));

        ConsumerRecord<byte[], byte[]> stored = Brokers.readOne(bootstrap, topic);
        assertArrayEquals(new byte[] {0, 0, 0, 0, 0, 0, 0, 7}, stored.key());
        assertArrayEquals(new byte[] {0, 0, 0, 9}, stored.value());
    }

    @Test
    void propertiesMayNameTheSerializers() throws Exception {
        Properties properties = new Properties();
        properties.putAll(settings("key.serializer", ByteArraySerializer.class.getName(),
            "value.serializer", StringSerializer.class.getName()));
        Producer<byte[], String> producer = closedLater(factory.create(properties));

        assertEquals(0, get(producer.send(new ProducerRecord<>(topic, 0, bytes("key"), "value"))).offset());
    }

    @Test
    void aSerializerThatFailsFailsSend() {
        Serializer<String> failing = (anyTopic, data) -> {
            throw new SerializationException("not in my alphabet");
        };
        Told told = new Told();
        Producer<String, String> producer =
            closedLater(factory.create(settings(), new StringSerializer(), failing));

        assertThrows(SerializationException.class, () -> producer.send(record("value"), told));
        assertEquals(0, told.times());
    }

    @Test
    @SuppressWarnings({"unchecked", "rawtypes"})
    void aValueOfTheWrongTypeFailsSend() {
        Producer producer = producer();
        SerializationException failure =
            assertThrows(SerializationException.class, () -> producer.send(new ProducerRecord<>(topic, "key", 42)));
        assertInstanceOf(ClassCastException.class, failure.getCause());
        assertThrows(SerializationException.class, () -> producer.send(new ProducerRecord<>(topic, 42, "value")));
    }

    // ---- Partitions

    @Test
    void keysGoWhereKafkaPutsThem() throws Exception {
        Producer<String, String> producer = producer();
        List<Future<RecordMetadata>> futures = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            futures.add(producer.send(new ProducerRecord<>(topic, "key " + i, "value")));
        }
        Set<Integer> used = new TreeSet<>();
        for (int i = 0; i < 100; i++) {
            int expected = Utils.toPositive(Utils.murmur2(bytes("key " + i))) % 3;
            assertEquals(expected, get(futures.get(i)).partition());
            used.add(expected);
        }
        assertEquals(Set.of(0, 1, 2), used);
    }

    @Test
    void keysMayBeIgnored() {
        Told told = new Told();
        Producer<String, String> producer = producer("partitioner.ignore.keys", true, "linger.ms", 600_000,
            "delivery.timeout.ms", 900_000);
        producer.partitionsFor(topic);
        for (int i = 0; i < 20; i++) {
            producer.send(new ProducerRecord<>(topic, "key " + i, "value"), told);
        }
        producer.flush();

        Set<Integer> used = new TreeSet<>();
        told.metadata().forEach(metadata -> used.add(metadata.partition()));
        assertEquals(20, told.times());
        assertEquals(1, used.size());
    }

    @Test
    void aPartitionThatDoesNotExistFailsByFutureAndCallback() {
        Told told = new Told();
        Producer<String, String> producer = producer("max.block.ms", 1000);
        warmUp(producer, topic);
        Throwable failure = failureOf(producer.send(new ProducerRecord<>(topic, 99, null, "value"), told));

        assertInstanceOf(TimeoutException.class, failure);
        assertInstanceOf(TimeoutException.class, told.exception());
        assertEquals(topic, told.metadata().get(0).topic());
        assertEquals(99, told.metadata().get(0).partition());
        assertFalse(told.metadata().get(0).hasOffset());
    }

    @Test
    void aPartitionerIsConfiguredAskedWithTheClusterAndClosed() throws Exception {
        Producer<String, String> producer = producer("client.id", "chosen", "custom.setting", "custom",
            "partitioner.class", Recording.LastPartition.class.getName());
        RecordMetadata chosen = get(producer.send(new ProducerRecord<>(topic, "key", "value")));
        RecordMetadata named = get(producer.send(new ProducerRecord<>(topic, 0, "key", "named")));
        producer.close();

        assertEquals(2, chosen.partition());
        assertEquals(0, named.partition());
        assertEquals(List.of(3), Recording.PARTITION_COUNTS);
        assertEquals(List.of("partitioner configured for chosen with custom", "partition of key/3/value/5",
            "partitioner closed"), Recording.EVENTS);
    }

    @Test
    void aPartitionerThatFailsFailsSend() {
        Told told = new Told();
        Producer<String, String> producer = producer("partitioner.class", Recording.LastPartition.class);

        assertThrows(IllegalArgumentException.class,
            () -> producer.send(new ProducerRecord<>(topic, "key", "negative"), told));
        assertThrows(UnsupportedOperationException.class,
            () -> producer.send(new ProducerRecord<>(topic, "key", "fails"), told));
        assertEquals(0, told.times());
    }

    @Test
    void kafkasRoundRobinPartitionerWorks() throws Exception {
        Producer<String, String> producer = producer("partitioner.class", RoundRobinPartitioner.class);
        Set<Integer> used = new TreeSet<>();
        for (int i = 0; i < 3; i++) {
            used.add(get(producer.send(new ProducerRecord<>(topic, "the same key", "value"))).partition());
        }
        assertEquals(Set.of(0, 1, 2), used);
    }

    // ---- Interceptors

    @Test
    void interceptorsChangeRecordsInTheirOrderAndAreToldAndClosed() throws Exception {
        Producer<String, String> producer = producer("client.id", "seen",
            "interceptor.classes", List.of(Recording.First.class.getName(), Recording.Second.class.getName()));
        get(producer.send(record("value")));
        producer.close();

        assertArrayEquals(bytes("value+First+Second"), Brokers.readOne(bootstrap, topic).value());
        assertEquals(List.of("First configured for seen", "Second configured for seen", "First sees value",
            "Second sees value+First", "First told of offset 0", "Second told of offset 0", "First closed",
            "Second closed"), Recording.EVENTS);
    }

    @Test
    void interceptorsAreToldBeforeTheCallback() throws Exception {
        Producer<String, String> producer = producer("interceptor.classes", Recording.First.class.getName());
        get(producer.send(record("value"), (metadata, exception) -> Recording.EVENTS.add("callback")));

        assertEquals(List.of("First told of offset 0", "callback"),
            Recording.EVENTS.subList(Recording.EVENTS.size() - 2, Recording.EVENTS.size()));
    }

    @Test
    void interceptorsAreGivenTheHeadersThatWereSent() throws Exception {
        Producer<String, String> producer = producer("interceptor.classes", Recording.First.class.getName());
        get(producer.send(new ProducerRecord<>(topic, 0, "key", "value",
            List.of(new RecordHeader("trace", bytes("1"))))));

        assertArrayEquals(bytes("1"), Recording.HEADERS.get(0).lastHeader("trace").value());
        assertThrows(IllegalStateException.class, () -> Recording.HEADERS.get(0).add("late", bytes("2")));
    }

    @Test
    void interceptorsAreToldOfRecordsThatWereRefused() {
        Producer<String, String> producer =
            producer("interceptor.classes", Recording.First.class.getName(), "max.request.size", 1000);
        producer.send(record("x".repeat(2000)));

        assertEquals(1, Recording.count("First told of RecordTooLargeException offset -1 partition 0"));
    }

    @Test
    void interceptorsAreToldWhenSerializingFails() {
        Serializer<String> failing = (anyTopic, data) -> {
            throw new SerializationException("not in my alphabet");
        };
        Producer<String, String> producer = closedLater(factory.create(
            settings("interceptor.classes", Recording.First.class.getName()), new StringSerializer(), failing));

        assertThrows(SerializationException.class, () -> producer.send(record("value")));
        assertEquals(1, Recording.count("First told of SerializationException offset -1 partition 0"));
    }

    @Test
    void anInterceptorThatFailsHarmsNothing() throws Exception {
        Producer<String, String> producer = producer("interceptor.classes",
            List.of(Recording.Failing.class.getName(), Recording.First.class.getName()));
        assertEquals(0, get(producer.send(record("value"))).offset());
        producer.close();

        assertArrayEquals(bytes("value+First"), Brokers.readOne(bootstrap, topic).value());
        assertEquals(1, Recording.count("Failing told"));
        assertEquals(1, Recording.count("First closed"));
    }

    // ---- Records and their metadata

    @Test
    void serializedSizesAreTold() throws Exception {
        Producer<String, String> producer = producer();
        RecordMetadata both = get(producer.send(new ProducerRecord<>(topic, "four", "sixsix")));
        RecordMetadata neither = get(producer.send(new ProducerRecord<>(topic, null, null)));

        assertEquals(4, both.serializedKeySize());
        assertEquals(6, both.serializedValueSize());
        assertEquals(-1, neither.serializedKeySize());
        assertEquals(-1, neither.serializedValueSize());
    }

    @Test
    void aTimestampIsKeptAndOneIsGivenWhereNoneIs() throws Exception {
        Producer<String, String> producer = producer();
        long before = System.currentTimeMillis();
        RecordMetadata given = get(producer.send(new ProducerRecord<>(topic, 0, before - 5000, "key", "value")));
        RecordMetadata made = get(producer.send(record("value")));
        long after = System.currentTimeMillis();

        assertEquals(before - 5000, given.timestamp());
        assertTrue(made.hasTimestamp());
        assertTrue(made.timestamp() >= before && made.timestamp() <= after, () -> made + " at " + made.timestamp());
        List<ConsumerRecord<byte[], byte[]>> stored = Brokers.read(bootstrap, topic, 2);
        assertEquals(given.timestamp(), stored.get(0).timestamp());
        assertEquals(made.timestamp(), stored.get(1).timestamp());
    }

    @Test
    void headersArriveInOrderRepeatedAndNull() throws Exception {
        List<Header> headers = List.of(new RecordHeader("a", bytes("1")), new RecordHeader("b", (byte[]) null),
            new RecordHeader("a", new byte[0]));
        get(producer().send(new ProducerRecord<>(topic, 0, "key", "value", headers)));

        assertArrayEquals(headers.toArray(), Brokers.readOne(bootstrap, topic).headers().toArray());
    }

    @Test
    void headersAreReadOnlyOnceSent() {
        ProducerRecord<String, String> record = record("value");
        record.headers().add("before", bytes("1"));
        producer().send(record);

        assertThrows(IllegalStateException.class, () -> record.headers().add("after", bytes("2")));
    }

    @Test
    void nullIsNotEmpty() throws Exception {
        Producer<String, String> producer = producer();
        producer.send(new ProducerRecord<>(topic, 0, null, ""));
        producer.send(new ProducerRecord<>(topic, 0, "", null));
        producer.close();

        List<ConsumerRecord<byte[], byte[]>> stored = Brokers.read(bootstrap, topic, 2);
        assertNull(stored.get(0).key());
        assertArrayEquals(new byte[0], stored.get(0).value());
        assertArrayEquals(new byte[0], stored.get(1).key());
        assertNull(stored.get(1).value());
    }

    @Test
    void everyCodecDelivers() throws Exception {
        int sent = 0;
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            Producer<String, String> producer = producer("compression.type", codec);
            assertEquals(sent++, get(producer.send(record(codec.repeat(100)))).offset());
        }
        assertArrayEquals(bytes("zstd".repeat(100)), Brokers.read(bootstrap, topic, sent).get(4).value());
    }

    @Test
    void aNullRecordIsRefused() {
        assertThrows(NullPointerException.class, () -> producer().send(null));
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
