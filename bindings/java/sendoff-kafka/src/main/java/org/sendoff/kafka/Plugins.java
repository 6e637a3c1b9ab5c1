package org.sendoff.kafka;

import static java.lang.System.Logger.Level.ERROR;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.Partitioner;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.internals.Plugin;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.serialization.Serializer;

/** The program's own classes within a producer: made and configured in the order in which KafkaProducer does it. */
final class Plugins<K, V> {
    private static final System.Logger LOG = System.getLogger("org.sendoff.kafka");

    private final ProducerConfig config;
    private final Metrics metrics;
    private Plugin<Partitioner> partitioner;
    private Plugin<Serializer<K>> keySerializer;
    private Plugin<Serializer<V>> valueSerializer;
    private Interceptors<K, V> interceptors;
    private LoginTokens tokens;

    Plugins(ProducerConfig config, Metrics metrics) {
        this.config = config;
        this.metrics = metrics;
    }

    /** Separate from the constructor, so that what was made before a failure can be closed. */
    void create(Serializer<K> key, Serializer<V> value) {
        Map<String, Object> client =
            Map.of(ProducerConfig.CLIENT_ID_CONFIG, config.getString(ProducerConfig.CLIENT_ID_CONFIG));
        partitioner = plugin(config.getConfiguredInstance(ProducerConfig.PARTITIONER_CLASS_CONFIG, Partitioner.class,
            client), ProducerConfig.PARTITIONER_CLASS_CONFIG);
        keySerializer = serializer(key, ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, true, client);
        valueSerializer = serializer(value, ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, false, client);
        @SuppressWarnings("unchecked")
        List<ProducerInterceptor<K, V>> chain = (List<ProducerInterceptor<K, V>>) (List<?>) config
            .getConfiguredInstances(ProducerConfig.INTERCEPTOR_CLASSES_CONFIG, ProducerInterceptor.class, client);
        interceptors = new Interceptors<>(chain, metrics);
        tokens = LoginTokens.of(config);
    }

    private <T> Plugin<Serializer<T>> serializer(Serializer<T> given, String setting, boolean isKey,
                                                 Map<String, Object> client) {
        if (given != null) {
            config.ignore(setting);
            return plugin(given, setting);
        }
        @SuppressWarnings("unchecked")
        Serializer<T> made = config.getConfiguredInstance(setting, Serializer.class);
        Plugin<Serializer<T>> plugin = plugin(made, setting);
        made.configure(config.originals(client), isKey);
        return plugin;
    }

    private <T> Plugin<T> plugin(T instance, String setting) {
        return Plugin.wrapInstance(instance, metrics, setting);
    }

    /** The program's own, or null. */
    Partitioner partitioner() {
        return partitioner.get();
    }

    /** Those of the program's login callback handler, or null. */
    LoginTokens tokens() {
        return tokens;
    }

    Interceptors<K, V> interceptors() {
        return interceptors;
    }

    byte[] key(ProducerRecord<K, V> record) {
        return serialize(keySerializer.get(), record, record.key(), ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG);
    }

    byte[] value(ProducerRecord<K, V> record) {
        return serialize(valueSerializer.get(), record, record.value(), ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG);
    }

    private static <T> byte[] serialize(Serializer<T> serializer, ProducerRecord<?, ?> record, T data, String setting) {
        try {
            return serializer.serialize(record.topic(), record.headers(), data);
        } catch (ClassCastException failure) {
            throw new SerializationException(setting + " " + serializer.getClass().getName() + " does not take a "
                + (data == null ? "null" : data.getClass().getName()), failure);
        }
    }

    /** All of them, also after a {@link #create} that failed; failures are logged. Gives the first one, or null. */
    Exception close() {
        if (interceptors != null) {
            interceptors.close();
        }
        Exception first = null;
        for (AutoCloseable each : new AutoCloseable[] {keySerializer, valueSerializer, partitioner, tokens}) {
            try {
                if (each != null) {
                    each.close();
                }
            } catch (Exception failure) {
                LOG.log(ERROR, "a serializer, partitioner or login callback handler failed in close", failure);
                first = first == null ? failure : first;
            }
        }
        return first;
    }
}
