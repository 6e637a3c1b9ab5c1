package org.sendoff.kafka;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.ClientUtils;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Utils;
import org.sendoff.ConfigurationException;
import org.sendoff.Header;
import org.sendoff.SendoffException;
import org.sendoff.TokenProvider;

/**
 * Kafka's {@link Producer} over Sendoff. A program switches by calling this constructor instead of
 * {@code KafkaProducer}'s; its settings, serializers, partitioner, interceptors and callbacks stay as they are.
 *
 * <pre>{@code
 * Producer<String, String> producer = new SendoffProducer<>(settings); // was: new KafkaProducer<>(settings)
 * }</pre>
 *
 * <p>All methods may be called by any thread at any time. Callbacks and {@code onAcknowledgement} of interceptors
 * run on one thread of the producer, those of a partition in the order of {@code send}; a callback that takes long
 * holds up other callbacks, but not the network. Exceptions have Kafka's types; the cause is an {@link
 * SendoffException} whose {@link SendoffException#outcome()} says whether sending again is safe.
 *
 * <p>What differs from {@code KafkaProducer}: {@code send} does not wait for a topic's metadata (except for a
 * partitioner of the program's own, which is shown them), so that an unknown topic or partition shows in the future
 * alone; there are no transactions and no telemetry; nodes of {@link #partitionsFor} have a number, but no host; and
 * what was accepted is also sent if the program ends without {@link #close()}.
 *
 * @param <K> the type of keys
 * @param <V> the type of values
 */
public class SendoffProducer<K, V> implements Producer<K, V> {
    private final CounterMetrics metrics;
    private final Plugins<K, V> plugins;
    private final Interceptors<K, V> interceptors;
    private final Deliveries deliveries;
    private final org.sendoff.Producer producer;
    private final TopicPartitions topics;
    private final AtomicBoolean pluginsClosed = new AtomicBoolean();
    private volatile boolean closed;

    /**
     * Makes a producer whose settings name its serializers. Looks up the names of {@code bootstrap.servers}; does
     * not wait for brokers.
     *
     * @param settings those of {@code KafkaProducer}, and Sendoff's own
     * @throws ConfigException if a setting has a value that is not allowed
     * @throws KafkaException if the producer cannot be made for another reason, which is the cause
     */
    public SendoffProducer(Map<String, Object> settings) {
        this(settings, null, null);
    }

    /**
     * Makes a producer with these serializers, which it closes with itself, but does not configure.
     *
     * @param settings as for {@link #SendoffProducer(Map)}
     * @param keySerializer the serializer of keys, or null for the one that the settings name
     * @param valueSerializer the serializer of values, or null for the one that the settings name
     * @throws ConfigException if a setting has a value that is not allowed
     * @throws KafkaException if the producer cannot be made for another reason, which is the cause
     */
    public SendoffProducer(Map<String, Object> settings, Serializer<K> keySerializer, Serializer<V> valueSerializer) {
        this(new ProducerConfig(withSerializers(settings, keySerializer, valueSerializer)), keySerializer,
            valueSerializer);
    }

    /**
     * Makes a producer whose properties name its serializers.
     *
     * @param properties as for {@link #SendoffProducer(Map)}
     * @throws ConfigException if a setting has a value that is not allowed
     * @throws KafkaException if the producer cannot be made for another reason, which is the cause
     */
    public SendoffProducer(Properties properties) {
        this(properties, null, null);
    }

    /**
     * Makes a producer with these serializers, which it closes with itself, but does not configure.
     *
     * @param properties as for {@link #SendoffProducer(Map)}
     * @param keySerializer the serializer of keys, or null for the one that the properties name
     * @param valueSerializer the serializer of values, or null for the one that the properties name
     * @throws ConfigException if a setting has a value that is not allowed
     * @throws KafkaException if the producer cannot be made for another reason, which is the cause
     */
    public SendoffProducer(Properties properties, Serializer<K> keySerializer, Serializer<V> valueSerializer) {
        this(Utils.propsToMap(properties), keySerializer, valueSerializer);
    }

    private SendoffProducer(ProducerConfig config, Serializer<K> keySerializer, Serializer<V> valueSerializer) {
        Map<String, Object> settings = ClientSettings.of(config);
        metrics = new CounterMetrics(config);
        plugins = new Plugins<>(config, metrics.registry());
        org.sendoff.Producer started = null;
        try {
            plugins.create(keySerializer, valueSerializer);
            settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers(config));
            started = start(settings, plugins.tokens());
            metrics.register(started);
        } catch (RuntimeException | Error failure) {
            if (started != null) {
                started.close(Duration.ZERO);
            }
            plugins.close();
            metrics.close();
            throw new KafkaException("Failed to construct kafka producer", failure);
        }
        producer = started;
        interceptors = plugins.interceptors();
        deliveries = new Deliveries(interceptors);
        topics = new TopicPartitions(producer,
            Duration.ofMillis(config.getLong(ProducerConfig.MAX_BLOCK_MS_CONFIG)));
        config.logUnused();
    }

    private static Map<String, Object> withSerializers(Map<String, Object> settings, Serializer<?> key,
                                                       Serializer<?> value) {
        Map<String, Object> complete = new HashMap<>(settings);
        putSerializer(complete, ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, key);
        putSerializer(complete, ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, value);
        return complete;
    }

    private static void putSerializer(Map<String, Object> settings, String name, Serializer<?> serializer) {
        if (serializer != null) {
            settings.put(name, serializer.getClass());
        } else if (settings.get(name) == null) {
            throw new ConfigException(name, null, "must be non-null.");
        }
    }

    /** In the form that the library reads, which has no protocol before the host. */
    private static String bootstrapServers(ProducerConfig config) {
        List<String> servers = new ArrayList<>();
        for (InetSocketAddress address : ClientUtils.parseAndValidateAddresses(config)) {
            String host = address.getHostString();
            String server = (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
            if (!servers.contains(server)) {
                servers.add(server);
            }
        }
        return String.join(",", servers);
    }

    private static org.sendoff.Producer start(Map<String, Object> settings, TokenProvider tokens) {
        try {
            return new org.sendoff.Producer(settings, tokens);
        } catch (ConfigurationException failure) {
            throw refusal(failure);
        }
    }

    private static ConfigException refusal(ConfigurationException failure) {
        ConfigException exception = new ConfigException(failure.getMessage());
        exception.initCause(failure);
        return exception;
    }

    /**
     * Loads certificates, keys and passwords anew from the files that the settings name; {@code KafkaProducer} has
     * nothing like it. Connections that are open go on as they are; later ones, and later logins on open ones, use the
     * new. What does not load changes nothing.
     *
     * @throws ConfigException if something does not load, which it says
     * @throws KafkaException if the producer has no use for credentials, or a file cannot be read
     * @throws IllegalStateException if the producer is closed
     */
    public void reloadCredentials() {
        reload(producer::reloadCredentials);
    }

    /**
     * As {@link #reloadCredentials()}, from settings as for the constructor, of which those of TLS and logins count.
     *
     * @param settings the settings, those that stay as they are included
     * @throws ConfigException if a setting is not allowed or something does not load, which it says
     * @throws KafkaException if the producer has no use for these, or a file cannot be read
     * @throws IllegalStateException if the producer is closed
     */
    public void reloadCredentials(Map<String, ?> settings) {
        reload(() -> producer.reloadCredentials(ClientSettings.credentials(settings, plugins.tokens() != null)));
    }

    private static void reload(Runnable call) {
        try {
            call.run();
        } catch (ConfigurationException failure) {
            throw refusal(failure);
        } catch (SendoffException failure) {
            throw Failures.of(failure);
        }
    }

    /**
     * As {@link #send(ProducerRecord, Callback)} without a callback.
     *
     * @param record the record
     * @return the future of its metadata
     */
    @Override
    public Future<RecordMetadata> send(ProducerRecord<K, V> record) {
        return send(record, null);
    }

    /**
     * Sends a record: hands it to the interceptors, serializes it and returns as soon as the library has it. Waits
     * for memory alone, at most {@code max.block.ms}; with a partitioner of the program's own also for the first
     * metadata of a topic.
     *
     * <p>What Kafka and the library refuse (Kafka's {@link ApiException}s: too large, no memory, no such topic, a
     * timeout) goes to the callback and into the future, and is not thrown.
     *
     * @param record the record; its headers are read-only from now on
     * @param callback called once, before the future is done, or null
     * @return the future of its metadata; cancelling it does nothing
     * @throws org.apache.kafka.common.errors.SerializationException if a serializer refuses the key or the value
     * @throws IllegalStateException if the producer is closed
     * @throws InterruptException if the thread is interrupted while it waits
     */
    @Override
    public Future<RecordMetadata> send(ProducerRecord<K, V> record, Callback callback) {
        ProducerRecord<K, V> changed = interceptors.isEmpty() ? record : interceptors.onSend(record);
        try {
            return accept(changed, callback);
        } catch (ApiException failure) {
            return refuse(changed, callback, failure);
        } catch (RuntimeException failure) {
            metrics.countRefused();
            interceptors.onRefused(changed, changed == null ? null : metadata(changed), failure);
            throw failure;
        }
    }

    private Future<RecordMetadata> accept(ProducerRecord<K, V> record, Callback callback) {
        if (closed) {
            throw new IllegalStateException("Cannot perform operation after producer has been closed");
        }
        byte[] key = plugins.key(record);
        byte[] value = plugins.value(record);
        int partition = partition(record, key, value);
        Headers headers = record.headers();
        if (headers instanceof RecordHeaders recordHeaders) {
            recordHeaders.setReadOnly();
        }
        Long timestamp = record.timestamp();
        RecordFuture future = new RecordFuture(deliveries, callback, headers, key, value);
        try {
            producer.send(record.topic(), partition, timestamp == null ? org.sendoff.Producer.NOW : timestamp, key,
                value, headersOf(headers), future);
        } catch (SendoffException failure) {
            throw Failures.of(failure);
        }
        return future;
    }

    private Future<RecordMetadata> refuse(ProducerRecord<K, V> record, Callback callback, ApiException failure) {
        RecordMetadata metadata = metadata(record);
        if (callback != null) {
            callback.onCompletion(metadata, failure);
        }
        metrics.countRefused();
        if (failure instanceof BufferExhaustedException) {
            metrics.countExhausted();
        }
        interceptors.onRefused(record, metadata, failure);
        return RecordFuture.refused(failure);
    }

    private static RecordMetadata metadata(ProducerRecord<?, ?> record) {
        Integer partition = record.partition();
        return RecordFuture.withoutOffset(
            new TopicPartition(record.topic(), partition == null ? RecordMetadata.UNKNOWN_PARTITION : partition));
    }

    private int partition(ProducerRecord<K, V> record, byte[] key, byte[] value) {
        if (record.partition() != null) {
            return record.partition();
        }
        if (plugins.partitioner() == null) {
            return org.sendoff.Producer.ANY_PARTITION;
        }
        int chosen = plugins.partitioner().partition(record.topic(), record.key(), key, record.value(), value,
            topics.cluster(record.topic()));
        if (chosen < 0) {
            throw new IllegalArgumentException(
                "The partitioner chose partition " + chosen + ", which is not a partition: it is negative");
        }
        return chosen;
    }

    private static List<Header> headersOf(Headers headers) {
        org.apache.kafka.common.header.Header[] all = headers.toArray();
        if (all.length == 0) {
            return List.of();
        }
        List<Header> list = new ArrayList<>(all.length);
        for (org.apache.kafka.common.header.Header each : all) {
            list.add(new Header(each.key(), each.value()));
        }
        return list;
    }

    /**
     * Sends what lingers at once and waits until every record sent before has its outcome, its callback run and its
     * future done.
     *
     * @throws InterruptException if the thread is interrupted
     * @throws KafkaException if it is called from a callback, where it would wait for itself
     */
    @Override
    public void flush() {
        if (deliveries.isDeliveryThread()) {
            throw new KafkaException("flush within a callback would wait for itself");
        }
        long begin = System.nanoTime();
        try {
            producer.flush();
        } catch (SendoffException failure) {
            if (!Failures.isClosed(failure)) {
                throw Failures.of(failure);
            }
        } finally {
            metrics.countFlush(System.nanoTime() - begin);
        }
    }

    /**
     * The partitions of a topic; waits at most {@code max.block.ms} for the cluster to tell.
     *
     * @param topic the topic's name
     * @return the partitions in their order; their nodes have numbers, but no hosts
     * @throws org.apache.kafka.common.errors.TimeoutException if the cluster does not show the topic in time
     * @throws InterruptException if the thread is interrupted
     * @throws KafkaException if the producer is closed
     */
    @Override
    public List<PartitionInfo> partitionsFor(String topic) {
        return topics.of(Objects.requireNonNull(topic, "topic cannot be null"));
    }

    /**
     * The metrics, under Kafka's names in the group {@code producer-metrics}; those that Sendoff has a counter for.
     * They go to {@code metric.reporters} and JMX as well.
     *
     * @return an unmodifiable view
     */
    @Override
    public Map<MetricName, ? extends Metric> metrics() {
        return Collections.unmodifiableMap(metrics.registry().metrics());
    }

    /**
     * Does nothing: there is no telemetry that the metric could be part of.
     *
     * @param metric a metric of the program's own
     */
    @Override
    public void registerMetricForSubscription(KafkaMetric metric) {
        Objects.requireNonNull(metric, "metric");
    }

    /**
     * Does nothing, as {@link #registerMetricForSubscription}.
     *
     * @param metric a metric of the program's own
     */
    @Override
    public void unregisterMetricFromSubscription(KafkaMetric metric) {
        Objects.requireNonNull(metric, "metric");
    }

    /**
     * Refused as by a {@code KafkaProducer} with {@code enable.metrics.push=false}: Sendoff pushes no metrics to
     * brokers.
     *
     * @param timeout not looked at
     * @return never
     * @throws IllegalStateException always
     */
    @Override
    public Uuid clientInstanceId(Duration timeout) {
        throw new IllegalStateException("Telemetry is not enabled: Sendoff pushes no metrics to brokers");
    }

    /**
     * Refuses further records, waits until every accepted one has its outcome and its callback has run, and closes
     * serializers, partitioner, interceptors and reporters. Further calls are harmless. Within a callback it acts as
     * {@code close(Duration.ZERO)} and does not wait.
     *
     * @throws InterruptException if the thread is interrupted; what is pending is then given up
     */
    @Override
    public void close() {
        close(Duration.ofMillis(Long.MAX_VALUE));
    }

    /**
     * As {@link #close()}, for a limited time, after which what is pending is given up: its futures and callbacks
     * get a {@link KafkaException}.
     *
     * @param timeout how long to wait at most
     * @throws IllegalArgumentException if the timeout is negative
     * @throws InterruptException if the thread is interrupted; what is pending is then given up
     */
    @Override
    public void close(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("The timeout cannot be negative.");
        }
        closed = true;
        RuntimeException interrupt = null;
        try {
            producer.close(deliveries.isDeliveryThread() ? Duration.ZERO : timeout);
        } catch (org.sendoff.InterruptException failure) {
            Thread.interrupted();
            producer.close(Duration.ZERO);
            interrupt = Failures.of(failure);
        }
        Exception failure = closePlugins();
        if (interrupt != null) {
            throw interrupt;
        }
        if (failure != null) {
            throw new KafkaException("Failed to close kafka producer", failure);
        }
    }

    private Exception closePlugins() {
        if (!pluginsClosed.compareAndSet(false, true)) {
            return null;
        }
        Exception failure = plugins.close();
        metrics.close();
        return failure;
    }

    private static IllegalStateException withoutTransactions() {
        return new IllegalStateException("Cannot use transactional methods: Sendoff has no transactions");
    }

    /**
     * Refused: there are no transactions.
     *
     * @throws IllegalStateException always, as by a {@code KafkaProducer} without {@code transactional.id}
     */
    @Override
    public void initTransactions() {
        throw withoutTransactions();
    }

    /**
     * Refused: there are no transactions.
     *
     * @throws IllegalStateException always
     */
    @Override
    public void beginTransaction() {
        throw withoutTransactions();
    }

    /**
     * Refused: there are no transactions.
     *
     * @param offsets not looked at
     * @param group not looked at
     * @throws IllegalStateException always
     */
    @Override
    public void sendOffsetsToTransaction(Map<TopicPartition, OffsetAndMetadata> offsets, ConsumerGroupMetadata group) {
        throw withoutTransactions();
    }

    /**
     * Refused: there are no transactions.
     *
     * @throws IllegalStateException always
     */
    @Override
    public void commitTransaction() {
        throw withoutTransactions();
    }

    /**
     * Refused: there are no transactions.
     *
     * @throws IllegalStateException always
     */
    @Override
    public void abortTransaction() {
        throw withoutTransactions();
    }
}
