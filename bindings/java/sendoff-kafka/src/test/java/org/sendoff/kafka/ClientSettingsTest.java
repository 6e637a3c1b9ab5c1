package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.RoundRobinPartitioner;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;

/** What the library is told of a program's settings. */
class ClientSettingsTest {
    private static Map<String, Object> of(Map<String, Object> more) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", List.of("one:9092", "two:9092"),
            "key.serializer", StringSerializer.class, "value.serializer", StringSerializer.class, "client.id", "me"));
        settings.putAll(more);
        return ClientSettings.of(new ProducerConfig(settings));
    }

    @Test
    void defaultsAreTheLibrarysOwn() {
        assertEquals(Map.of("bootstrap.servers", "one:9092,two:9092", "client.id", "me", "enable.idempotence", "true",
            "topic.metadata.propagation.max.ms", "60000"), of(Map.of()));
    }

    @Test
    void whatIsSetIsHandedOnAsKafkaReadsIt() {
        Map<String, Object> settings = of(Map.of("linger.ms", 7, "batch.size", " 1000 ", "acks", "all", "max.block.ms",
            9L, "compression.type", "zstd"));
        assertEquals(Map.of("bootstrap.servers", "one:9092,two:9092", "client.id", "me", "enable.idempotence", "true",
            "topic.metadata.propagation.max.ms", "9", "linger.ms", "7", "batch.size", "1000", "acks", "-1",
            "max.block.ms", "9", "compression.type", "zstd"), settings);
    }

    @Test
    void acksTurnIdempotenceOff() {
        assertEquals("false", of(Map.of("acks", "1")).get("enable.idempotence"));
    }

    @Test
    void whatJavaDoesIsNotHandedOn() {
        assertEquals(of(Map.of()), of(Map.of("partitioner.class", RoundRobinPartitioner.class, "metric.reporters", "",
            "interceptor.classes", "", "metrics.num.samples", 3, "enable.metrics.push", false,
            "ssl.truststore.location", "nowhere", "sasl.mechanism", "PLAIN", "schema.registry.url", "nowhere")));
    }

    @Test
    void sendoffsOwnAreHandedOn() {
        Map<String, Object> settings = of(Map.of("topic.metadata.propagation.max.ms", 5, "topic.a.b.linger.ms", 3,
            "topic.a.acks", "1", "partition.buffer.percent", 60));
        assertEquals(5, Integer.parseInt(settings.get("topic.metadata.propagation.max.ms").toString()));
        assertEquals("1", settings.get("topic.a.acks"));
        assertEquals("60", settings.get("partition.buffer.percent"));
        assertFalse(settings.containsKey("topic.a.b.linger.ms"), "linger.ms is not per topic");
    }
}
