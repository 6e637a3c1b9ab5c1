package org.sendoff.kafka;

import static java.lang.System.Logger.Level.WARNING;

import java.util.List;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.internals.Plugin;
import org.apache.kafka.common.metrics.Metrics;

/** The chain of interceptors. What one throws is logged, and the next goes on with what there was before. */
final class Interceptors<K, V> {
    private static final System.Logger LOG = System.getLogger("org.sendoff.kafka");

    private final List<Plugin<ProducerInterceptor<K, V>>> chain;

    Interceptors(List<ProducerInterceptor<K, V>> interceptors, Metrics metrics) {
        chain = Plugin.wrapInstances(interceptors, metrics, ProducerConfig.INTERCEPTOR_CLASSES_CONFIG);
    }

    boolean isEmpty() {
        return chain.isEmpty();
    }

    /** What is to be sent instead of the record. */
    ProducerRecord<K, V> onSend(ProducerRecord<K, V> record) {
        ProducerRecord<K, V> changed = record;
        for (Plugin<ProducerInterceptor<K, V>> each : chain) {
            try {
                changed = each.get().onSend(changed);
            } catch (Exception failure) {
                LOG.log(WARNING, "an interceptor failed in onSend", failure);
            }
        }
        return changed;
    }

    void onAcknowledgement(RecordMetadata metadata, Exception exception, Headers headers) {
        for (Plugin<ProducerInterceptor<K, V>> each : chain) {
            try {
                each.get().onAcknowledgement(metadata, exception, headers);
            } catch (Exception failure) {
                LOG.log(WARNING, "an interceptor failed in onAcknowledgement", failure);
            }
        }
    }

    /** A record that send refused. Its headers stay writable, since the program may send it again. */
    void onRefused(ProducerRecord<K, V> record, RecordMetadata metadata, Exception exception) {
        if (chain.isEmpty()) {
            return;
        }
        RecordHeaders headers = new RecordHeaders(record == null ? null : record.headers());
        headers.setReadOnly();
        onAcknowledgement(metadata, exception, headers);
    }

    void close() {
        for (Plugin<ProducerInterceptor<K, V>> each : chain) {
            try {
                each.close();
            } catch (Exception failure) {
                LOG.log(WARNING, "an interceptor failed in close", failure);
            }
        }
    }
}
