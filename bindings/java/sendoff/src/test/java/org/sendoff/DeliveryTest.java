package org.sendoff;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is sent arrives as it was sent. */
class DeliveryTest {
    private static Delivery get(CompletableFuture<Delivery> future) throws Exception {
        return future.get(60, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @EnumSource
    void hundredThousandRecordsArriveOnceEach(Broker broker) {
        int count = 100_000;
        String topic = Broker.freshTopic("many");
        AtomicInteger delivered = new AtomicInteger();
        try (Producer producer = broker.producer()) {
            for (int i = 0; i < count; i++) {
                producer.send(Record.of(topic, "value " + i), delivery -> {
                    if (delivery.outcome() == Outcome.DELIVERED) {
                        delivered.incrementAndGet();
                    }
                });
            }
        }
        assertEquals(count, delivered.get());
        Set<String> values = new HashSet<>();
        ReadBack.all(broker, topic).forEach(record -> assertTrue(values.add(new String(record.value(), UTF_8))));
        assertEquals(count, values.size());
    }

    @ParameterizedTest
    @EnumSource
    void aFutureTellsWhereItsRecordIs(Broker broker) throws Exception {
        String topic = Broker.freshTopic("where");
        try (Producer producer = broker.producer()) {
            long before = System.currentTimeMillis();
            Delivery first = get(producer.send(Record.to(topic).partition(1).value("first").build()));
            Delivery second = get(producer.send(Record.to(topic).partition(1).value("second").build()));
            assertEquals(topic, first.topic());
            assertEquals(1, first.partition());
            assertEquals(0, first.offset());
            assertTrue(first.hasOffset());
            assertEquals(1, second.offset());
            assertEquals(Outcome.DELIVERED, second.outcome());
            assertTrue(second.isDelivered());
            assertNull(second.exception());
            assertTrue(first.timestamp() >= before - 1000 && first.timestamp() <= System.currentTimeMillis() + 1000);
            assertTrue(first.latency().compareTo(Duration.ZERO) > 0);
            assertTrue(first.attempts() >= 1);
            assertEquals(topic + "-1@1", second.toString());
        }
    }

    @ParameterizedTest
    @EnumSource
    void callbacksRunInOrderPerPartition(Broker broker) {
        String topic = Broker.freshTopic("order");
        List<List<Long>> offsets = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        try (Producer producer = broker.producer("batch.size", 1000)) {
            for (int i = 0; i < 3000; i++) {
                producer.send(Record.to(topic).partition(i % 3).value("x").build(),
                    delivery -> offsets.get(delivery.partition()).add(delivery.offset()));
            }
        }
        for (List<Long> ofPartition : offsets) {
            assertEquals(1000, ofPartition.size());
            for (int i = 0; i < 1000; i++) {
                assertEquals(i, ofPartition.get(i));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void nullAndEmptyAreToldApart(Broker broker) {
        String topic = Broker.freshTopic("nothing");
        byte[] empty = {};
        try (Producer producer = broker.producer()) {
            producer.send(Record.to(topic).partition(0).key(new byte[] {1}).value((byte[]) null).build());
            producer.send(Record.to(topic).partition(0).key((byte[]) null).value(empty).build());
            producer.send(Record.to(topic).partition(0).key(empty).value(new byte[] {2}).build());
        }
        List<ConsumerRecord<byte[], byte[]>> records = ReadBack.all(broker, topic);
        assertEquals(3, records.size());
        assertArrayEquals(new byte[] {1}, records.get(0).key());
        assertNull(records.get(0).value());
        assertNull(records.get(1).key());
        assertArrayEquals(empty, records.get(1).value());
        assertArrayEquals(empty, records.get(2).key());
        assertArrayEquals(new byte[] {2}, records.get(2).value());
    }

    @ParameterizedTest
    @EnumSource
    void headersMayRepeatAndBeNull(Broker broker) {
        String topic = Broker.freshTopic("headers");
        try (Producer producer = broker.producer()) {
            producer.send(Record.to(topic).partition(0).value("v").header("a", "1").header("b", (byte[]) null)
                .header("a", "2").header("", new byte[0]).header("\u00fcber\ud83d\ude80", "3").build());
        }
        var headers = StreamSupport.stream(ReadBack.all(broker, topic).get(0).headers().spliterator(), false).toList();
        assertEquals(List.of("a", "b", "a", "", "\u00fcber\ud83d\ude80"),
            headers.stream().map(header -> header.key()).toList());
        assertEquals("1", new String(headers.get(0).value(), UTF_8));
        assertNull(headers.get(1).value());
        assertEquals("2", new String(headers.get(2).value(), UTF_8));
        assertEquals(0, headers.get(3).value().length);
    }

    @ParameterizedTest
    @EnumSource
    void partitionAndTimestampAreTheRecordsOwn(Broker broker) throws Exception {
        String topic = Broker.freshTopic("own");
        try (Producer producer = broker.producer()) {
            Delivery delivery =
                get(producer.send(Record.to(topic).partition(2).timestamp(1234567890123L).value("v").build()));
            assertEquals(2, delivery.partition());
            assertEquals(1234567890123L, delivery.timestamp());
        }
        ConsumerRecord<byte[], byte[]> record = ReadBack.all(broker, topic).get(0);
        assertEquals(2, record.partition());
        assertEquals(1234567890123L, record.timestamp());
    }

    @ParameterizedTest
    @EnumSource
    void keysGoToThePartitionsThatKafkasProducerChooses(Broker broker) {
        String topic = Broker.freshTopic("keys");
        try (Producer producer = broker.producer()) {
            for (int i = 0; i < 200; i++) {
                producer.send(Record.of(topic, "key " + i, "value"));
            }
        }
        List<ConsumerRecord<byte[], byte[]>> records = ReadBack.all(broker, topic);
        assertEquals(200, records.size());
        for (ConsumerRecord<byte[], byte[]> record : records) {
            assertEquals(Utils.toPositive(Utils.murmur2(record.key())) % Broker.PARTITIONS, record.partition());
        }
    }

    @ParameterizedTest
    @EnumSource
    void valuesOfAMegabyteArrive(Broker broker) {
        String topic = Broker.freshTopic("large");
        byte[] value = new byte[1_000_000];
        new Random(1).nextBytes(value);
        try (Producer producer = broker.producer()) {
            for (int i = 0; i < 40; i++) {
                value[0] = (byte) i;
                producer.send(Record.to(topic).partition(0).value(value).build());
            }
        }
        List<ConsumerRecord<byte[], byte[]>> records = ReadBack.all(broker, topic);
        assertEquals(40, records.size());
        for (int i = 0; i < 40; i++) {
            value[0] = (byte) i;
            assertTrue(Arrays.equals(value, records.get(i).value()), "value " + i);
        }
    }

    @ParameterizedTest
    @EnumSource
    void sizesAroundTheCopyOnTheStackArrive(Broker broker) {
        String topic = Broker.freshTopic("sizes");
        int[] sizes = {1, 4095, 4096, 4097, 100_000};
        try (Producer producer = broker.producer()) {
            for (int size : sizes) {
                byte[] value = new byte[size];
                Arrays.fill(value, (byte) size);
                producer.send(Record.to(topic).partition(0).key("k").value(value).header("h", "v").build());
            }
        }
        List<ConsumerRecord<byte[], byte[]>> records = ReadBack.all(broker, topic);
        for (int i = 0; i < sizes.length; i++) {
            byte[] wanted = new byte[sizes[i]];
            Arrays.fill(wanted, (byte) sizes[i]);
            assertArrayEquals(wanted, records.get(i).value());
            assertEquals("k", new String(records.get(i).key(), UTF_8));
            assertEquals("v", new String(records.get(i).headers().lastHeader("h").value(), UTF_8));
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyCodecArrives(Broker broker) {
        List<String> codecs = List.of("none", "gzip", "snappy", "lz4", "zstd");
        String topic = Broker.freshTopic("codecs");
        for (String codec : codecs) {
            try (Producer producer = broker.producer("compression.type", codec)) {
                producer.send(Record.to(topic).partition(0).value(codec + " ".repeat(1000)).build());
            }
        }
        assertEquals(codecs, ReadBack.all(broker, topic).stream()
            .map(record -> new String(record.value(), UTF_8).trim()).toList());
    }

    @ParameterizedTest
    @EnumSource
    void withoutAcknowledgementsTheOutcomeIsUnknownButNoFailure(Broker broker) throws Exception {
        String topic = Broker.freshTopic("unacknowledged");
        try (Producer producer = broker.producer("acks", 0, "enable.idempotence", false)) {
            Delivery delivery = get(producer.send(Record.of(topic, "value")));
            assertEquals(Outcome.UNKNOWN, delivery.outcome());
            assertFalse(delivery.isDelivered());
            assertFalse(delivery.hasOffset());
            assertNull(delivery.exception());
        }
    }

    @ParameterizedTest
    @EnumSource
    void propertiesAndTheirDefaultsAreSettings(Broker broker) throws Exception {
        Properties defaults = new Properties();
        defaults.setProperty("bootstrap.servers", broker.bootstrap());
        Properties settings = new Properties(defaults);
        settings.put("linger.ms", 1);
        settings.put("key.serializer", String.class);
        try (Producer producer = new Producer(settings)) {
            assertEquals("1", producer.settings().get("linger.ms"));
            assertTrue(get(producer.send(Record.of(Broker.freshTopic("properties"), "value"))).isDelivered());
        }
    }

    @ParameterizedTest
    @EnumSource
    void partitionsAndCountersCanBeAsked(Broker broker) {
        String topic = Broker.freshTopic("asked");
        try (Producer producer = broker.producer()) {
            producer.connect(Duration.ofSeconds(30));
            producer.send(Record.of(topic, "value"));
            producer.flush(Duration.ofSeconds(60));
            List<PartitionInfo> partitions = producer.partitionsFor(topic, Duration.ofSeconds(30));
            assertEquals(List.of(0, 1, 2), partitions.stream().map(PartitionInfo::partition).toList());
            for (PartitionInfo partition : partitions) {
                assertEquals(topic, partition.topic());
                assertEquals(0, partition.code());
                assertTrue(partition.replicas().contains(partition.leader()));
                assertEquals(partition.replicas(), partition.inSyncReplicas());
                assertEquals(List.of(), partition.offlineReplicas());
            }
            Counters counters = producer.counters();
            assertEquals(1, counters.recordsAccepted());
            assertEquals(1, counters.recordsDelivered());
            assertEquals(5, counters.bytesAccepted());
            assertEquals(0, counters.recordsPending());
            assertTrue(counters.connectionsOpened() >= 1);
            producer.close();
            assertEquals(1, producer.counters().recordsDelivered());
            assertNotNull(producer.settings().get("acks"));
        }
    }
}
