package org.sendoff.kafka;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.utils.Utils;

/** The brokers that the tests run beside, and Kafka's own consumer to read back from them. */
final class Brokers {
    static final String EMBEDDED = required("SENDOFF_TEST_EMBEDDED");
    static final String KAFKA = required("SENDOFF_TEST_KAFKA");

    /** Far more than anything here takes: a limit for what hangs, not a measure. */
    static final long DEADLINE_SECONDS = 60;

    private Brokers() {
    }

    /** What a client of a listener that insists on TLS has to set: of mtls, scram or tokens. */
    static Map<String, Object> secure(String listener) {
        Properties settings = new Properties();
        Path file = Path.of(required("SENDOFF_TEST_SECURE"), listener + ".properties");
        try (Reader reader = Files.newBufferedReader(file)) {
            settings.load(reader);
        } catch (IOException failure) {
            throw new AssertionError(failure);
        }
        return Utils.propsToMap(settings);
    }

    static String required(String variable) {
        String value = System.getenv(variable);
        if (value == null || value.isEmpty()) {
            throw new IllegalStateException(variable + " is not set: run the tests by bindings/with-brokers");
        }
        return value;
    }

    /** A topic that is new, made by the broker when it is first asked for. */
    static String newTopic() {
        return "contract-" + UUID.randomUUID();
    }

    /** All records of a topic, of which so many are there already; ordered within each partition. */
    static List<ConsumerRecord<byte[], byte[]>> read(String bootstrap, String topic, int count) {
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest",
            "enable.auto.commit", false, "fetch.max.wait.ms", 10);
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                 new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (PartitionInfo partition : consumer.partitionsFor(topic)) {
                partitions.add(new TopicPartition(topic, partition.partition()));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            eventually(() -> {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
                return partitions.stream().allMatch(each -> consumer.position(each) >= ends.get(each));
            });
        }
        if (records.size() != count) {
            throw new AssertionError(topic + " holds " + records.size() + " records, not " + count);
        }
        return records;
    }

    static ConsumerRecord<byte[], byte[]> readOne(String bootstrap, String topic) {
        return read(bootstrap, topic, 1).get(0);
    }

    static void eventually(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("it did not come true within " + DEADLINE_SECONDS + " s");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }
}
