package org.sendoff.kafka;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.producer.Partitioner;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.Measurable;
import org.apache.kafka.common.metrics.MetricsReporter;
import org.apache.kafka.common.metrics.Monitorable;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Plug-ins that a producer makes by their class names, and that write down what is done to them. */
final class Recording {
    /** What happened, in order; a test clears it first. Tests run one after another. */
    static final List<String> EVENTS = new CopyOnWriteArrayList<>();
    static final List<Headers> HEADERS = new CopyOnWriteArrayList<>();
    static final List<KafkaMetric> METRICS = new CopyOnWriteArrayList<>();
    static final List<Integer> PARTITION_COUNTS = new CopyOnWriteArrayList<>();

    private Recording() {
    }

    static void clear() {
        EVENTS.clear();
        HEADERS.clear();
        METRICS.clear();
        PARTITION_COUNTS.clear();
    }

    static long count(String event) {
        return Collections.frequency(new ArrayList<>(EVENTS), event);
    }

    /** Says which side it serializes, and puts a header on. */
    public static final class TextSerializer implements Serializer<String> {
        private final StringSerializer text = new StringSerializer();
        private boolean key;

        @Override
        public void configure(Map<String, ?> settings, boolean isKey) {
            key = isKey;
            EVENTS.add((isKey ? "key" : "value") + " serializer configured for " + settings.get("client.id")
                + " with " + settings.get("custom.setting"));
        }

        @Override
        public byte[] serialize(String topic, String data) {
            throw new AssertionError("the form with headers is the one to call");
        }

        @Override
        public byte[] serialize(String topic, Headers headers, String data) {
            headers.add(key ? "key-by" : "value-by", text.serialize(topic, "serializer"));
            return text.serialize(topic, data);
        }

        @Override
        public void close() {
            EVENTS.add((key ? "key" : "value") + " serializer closed");
        }
    }

    /** Sends everything to the topic's last partition. */
    public static final class LastPartition implements Partitioner {
        @Override
        public void configure(Map<String, ?> settings) {
            EVENTS.add("partitioner configured for " + settings.get("client.id") + " with "
                + settings.get("custom.setting"));
        }

        @Override
        public int partition(String topic, Object key, byte[] keyBytes, Object value, byte[] valueBytes,
                             Cluster cluster) {
            if ("negative".equals(value)) {
                return -7;
            }
            if ("fails".equals(value)) {
                throw new UnsupportedOperationException("no partition for you");
            }
            EVENTS.add("partition of " + key + "/" + keyBytes.length + "/" + value + "/" + valueBytes.length);
            PARTITION_COUNTS.add(cluster.availablePartitionsForTopic(topic).size());
            return cluster.partitionsForTopic(topic).size() - 1;
        }

        @Override
        public void close() {
            EVENTS.add("partitioner closed");
        }
    }

    /** Changes values on their way out. */
    public static class First implements ProducerInterceptor<String, String> {
        private final String name = getClass().getSimpleName();

        @Override
        public void configure(Map<String, ?> settings) {
            EVENTS.add(name + " configured for " + settings.get("client.id"));
        }

        @Override
        public ProducerRecord<String, String> onSend(ProducerRecord<String, String> record) {
            EVENTS.add(name + " sees " + record.value());
            return new ProducerRecord<>(record.topic(), record.partition(), record.timestamp(), record.key(),
                record.value() + "+" + name, record.headers());
        }

        @Override
        public void onAcknowledgement(RecordMetadata metadata, Exception failure, Headers headers) {
            HEADERS.add(headers);
            EVENTS.add(name + " told of "
                + (failure == null ? "offset " + metadata.offset() : failure.getClass().getSimpleName()
                    + " offset " + metadata.offset() + " partition " + metadata.partition()));
        }

        @Override
        public void close() {
            EVENTS.add(name + " closed");
        }
    }

    /** The same, under a name of its own. */
    public static final class Second extends First {
    }

    /** Has a metric of its own among the producer's. */
    public static final class Monitored extends First implements Monitorable {
        @Override
        public void withPluginMetrics(PluginMetrics metrics) {
            metrics.addMetric(metrics.metricName("own-metric", "a metric of an interceptor", new LinkedHashMap<>()),
                (Measurable) (config, now) -> 42);
        }
    }

    /** Fails in everything it does. */
    public static final class Failing implements ProducerInterceptor<String, String> {
        @Override
        public void configure(Map<String, ?> settings) {
            EVENTS.add("Failing configured for " + settings.get("client.id"));
        }

        @Override
        public ProducerRecord<String, String> onSend(ProducerRecord<String, String> record) {
            throw new IllegalStateException("onSend fails");
        }

        @Override
        public void onAcknowledgement(RecordMetadata metadata, Exception failure) {
            EVENTS.add("Failing told");
            throw new IllegalStateException("onAcknowledgement fails");
        }

        @Override
        public void close() {
            throw new IllegalStateException("close fails");
        }
    }

    /** Is given the producer's metrics. */
    public static final class Reporter implements MetricsReporter {
        @Override
        public void configure(Map<String, ?> settings) {
            EVENTS.add("reporter configured for " + settings.get("client.id"));
        }

        @Override
        public void init(List<KafkaMetric> metrics) {
            METRICS.addAll(metrics);
        }

        @Override
        public void metricChange(KafkaMetric metric) {
            METRICS.add(metric);
        }

        @Override
        public void metricRemoval(KafkaMetric metric) {
            METRICS.remove(metric);
        }

        @Override
        public void close() {
            EVENTS.add("reporter closed");
        }
    }
}
