package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.clients.producer.RoundRobinPartitioner;
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

/** What programs rely on when they send: futures, callbacks, serializers, partitions, interceptors and metadata. */
abstract class SendContract extends ContractSupport {
    /** Long enough that no batch goes out by itself while a test runs. */
    static final Object[] LINGERING = {"linger.ms", 600_000, "delivery.timeout.ms", 900_000};

    SendContract(ProducerFactory factory, String bootstrap) {
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
    void pluginsAreToldTheNameThatTheProducerGaveItself() {
        producerOfClassNames("key.serializer", Recording.TextSerializer.class,
            "interceptor.classes", Recording.First.class.getName());

        assertEquals(2, Recording.EVENTS.size());
        assertTrue(Recording.EVENTS.get(0).matches("key serializer configured for producer-\\d+ with null"),
            Recording.EVENTS::toString);
        assertTrue(Recording.EVENTS.get(1).matches("First configured for producer-\\d+"), Recording.EVENTS::toString);
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
        assertThrows(IllegalStateException.class, () -> Recording.HEADERS.get(0).add("late", bytes("2")));
    }

    @Test
    void interceptorsAreToldWhenSerializingFails() {
        Serializer<String> failing = (anyTopic, data) -> {
            throw new SerializationException("not in my alphabet");
        };
        Producer<String, String> producer = closedLater(factory.create(
            settings("interceptor.classes", Recording.First.class.getName()), new StringSerializer(), failing));

        ProducerRecord<String, String> record = record("value");

        assertThrows(SerializationException.class, () -> producer.send(record));
        assertEquals(1, Recording.count("First told of SerializationException offset -1 partition 0"));
        assertThrows(IllegalStateException.class, () -> Recording.HEADERS.get(0).add("late", bytes("2")));
        record.headers().add("second try", bytes("3"));
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
}
