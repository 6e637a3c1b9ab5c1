package org.sendoff.kafka;

import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToLongFunction;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.metrics.KafkaMetricsContext;
import org.apache.kafka.common.metrics.Measurable;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.utils.Time;
import org.sendoff.Counters;
import org.sendoff.Producer;

/**
 * The producer's metrics under Kafka's names, read from the library's counters when somebody looks, so that counting
 * costs nothing per record.
 */
final class CounterMetrics {
    private static final String GROUP = "producer-metrics";
    private static final String JMX_PREFIX = "kafka.producer";

    private final Metrics metrics;
    private final Map<String, String> tags;
    /** Weak, since reporters are kept by others: a producer that the program forgot must become unreachable. */
    private volatile WeakReference<Producer> reference;
    private volatile Counters last;
    private final LongAdder refused = new LongAdder();
    private final LongAdder exhausted = new LongAdder();
    private final LongAdder flushNanos = new LongAdder();

    CounterMetrics(ProducerConfig config) {
        String client = config.getString(ProducerConfig.CLIENT_ID_CONFIG);
        tags = Map.of("client-id", client);
        MetricConfig settings = new MetricConfig()
            .samples(config.getInt(ProducerConfig.METRICS_NUM_SAMPLES_CONFIG))
            .timeWindow(config.getLong(ProducerConfig.METRICS_SAMPLE_WINDOW_MS_CONFIG), TimeUnit.MILLISECONDS)
            .recordLevel(Sensor.RecordingLevel.forName(config.getString(ProducerConfig.METRICS_RECORDING_LEVEL_CONFIG)))
            .tags(tags);
        KafkaMetricsContext context = new KafkaMetricsContext(JMX_PREFIX,
            config.originalsWithPrefix(CommonClientConfigs.METRICS_CONTEXT_PREFIX));
        metrics = new Metrics(settings, CommonClientConfigs.metricsReporters(client, config), Time.SYSTEM, context);
    }

    Metrics registry() {
        return metrics;
    }

    void countRefused() {
        refused.increment();
    }

    void countExhausted() {
        exhausted.increment();
    }

    void countFlush(long nanos) {
        flushNanos.add(nanos);
    }

    /** Makes the metrics of a producer that is there. */
    void register(Producer producer) {
        reference = new WeakReference<>(producer);
        last = producer.counters();
        totalAndRate("record-send", "records sent",
            all -> all.recordsDelivered() + all.recordsUnacknowledged() + all.recordsUnknown());
        totalAndRate("record-error", "record sends that resulted in errors",
            all -> all.recordsNotDelivered() + all.recordsUnknown() + refused.sum());
        totalAndRate("record-retry", "batches sent again", Counters::batchesRetried);
        totalAndRate("batch-split", "batches split", Counters::batchesSplit);
        totalAndRate("request", "requests sent", Counters::requestsSent);
        totalAndRate("response", "responses received", Counters::responsesReceived);
        totalAndRate("outgoing-byte", "bytes of record batches sent", Counters::batchBytesSent);
        totalAndRate("connection-creation", "connections made", Counters::connectionsOpened);
        totalAndRate("buffer-exhausted", "sends refused because the memory was full", all -> exhausted.sum());
        value("flush-time-ns-total", "nanoseconds spent in flush", all -> flushNanos.sum());
        value("requests-in-flight", "produce requests without an answer", Counters::requestsInFlight);
        value("buffer-total-bytes", "buffer.memory", Counters::bufferBytesTotal);
        value("buffer-available-bytes", "bytes of buffer.memory that are free",
            all -> all.bufferBytesTotal() - all.bufferBytesUsed());
        value("buffer-staged-bytes", "bytes of buffer.memory for records whose topic or partition is not known yet",
            Counters::bufferBytesStaged);
        average("batch-size-avg", "bytes in a batch on the wire", Counters::batchBytesSent, Counters::batchesSent);
        average("compression-rate-avg", "compressed size over uncompressed size", Counters::batchBytesSent,
            Counters::batchBytesUncompressed);
    }

    private Counters counters() {
        Producer producer = reference.get();
        if (producer != null) {
            last = producer.counters();
        }
        return last;
    }

    private void totalAndRate(String name, String what, ToLongFunction<Counters> counter) {
        value(name + "-total", "The total number of " + what, counter);
        add(name + "-rate", "The number per second of " + what,
            new CounterRate(() -> counter.applyAsLong(counters())));
    }

    private void value(String name, String what, ToLongFunction<Counters> counter) {
        add(name, what, (settings, now) -> counter.applyAsLong(counters()));
    }

    private void average(String name, String what, ToLongFunction<Counters> sum,
                         ToLongFunction<Counters> count) {
        add(name, "The average over the producer's life: " + what, (settings, now) -> {
            Counters all = counters();
            long divisor = count.applyAsLong(all);
            return divisor == 0 ? Double.NaN : (double) sum.applyAsLong(all) / divisor;
        });
    }

    private void add(String name, String description, Measurable measurable) {
        metrics.addMetric(metrics.metricName(name, GROUP, description, tags), measurable);
    }

    void close() {
        metrics.close();
    }
}
