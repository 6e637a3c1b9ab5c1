package org.sendoff;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What is in a topic, as Kafka's own consumer sees it. */
final class ReadBack {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private ReadBack() {
    }

    /** All records, those of a partition in their order. */
    static List<ConsumerRecord<byte[], byte[]>> all(Broker broker, String topic) {
        Map<String, Object> settings = Map.of("bootstrap.servers", broker.bootstrap(), "enable.auto.commit", "false",
            "fetch.max.bytes", 50_000_000, "max.partition.fetch.bytes", 20_000_000, "max.poll.records", 100_000);
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
            List<TopicPartition> partitions = IntStream.range(0, Broker.PARTITIONS)
                .mapToObj(partition -> new TopicPartition(topic, partition)).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
                if (System.nanoTime() > deadline) {
                    throw new AssertionError(topic + " could not be read to its end: " + records.size() + " records");
                }
            }
            return records;
        }
    }

    /** The number of records. */
    static long count(Broker broker, String topic) {
        return all(broker, topic).size();
    }
}
