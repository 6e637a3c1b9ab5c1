package org.sendoff.kafka;

import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.serialization.Serializer;

/** The one thing that a program changes: the constructor that it calls. */
enum ProducerFactory {
    KAFKA {
        @Override
        <K, V> Producer<K, V> create(Map<String, Object> settings) {
            return new KafkaProducer<>(settings);
        }

        @Override
        <K, V> Producer<K, V> create(Map<String, Object> settings, Serializer<K> key, Serializer<V> value) {
            return new KafkaProducer<>(settings, key, value);
        }

        @Override
        <K, V> Producer<K, V> create(Properties settings) {
            return new KafkaProducer<>(settings);
        }

        @Override
        <K, V> Producer<K, V> create(Properties settings, Serializer<K> key, Serializer<V> value) {
            return new KafkaProducer<>(settings, key, value);
        }
    },
    SENDOFF {
        @Override
        <K, V> Producer<K, V> create(Map<String, Object> settings) {
            return new SendoffProducer<>(settings);
        }

        @Override
        <K, V> Producer<K, V> create(Map<String, Object> settings, Serializer<K> key, Serializer<V> value) {
            return new SendoffProducer<>(settings, key, value);
        }

        @Override
        <K, V> Producer<K, V> create(Properties settings) {
            return new SendoffProducer<>(settings);
        }

        @Override
        <K, V> Producer<K, V> create(Properties settings, Serializer<K> key, Serializer<V> value) {
            return new SendoffProducer<>(settings, key, value);
        }
    };

    abstract <K, V> Producer<K, V> create(Map<String, Object> settings);

    abstract <K, V> Producer<K, V> create(Map<String, Object> settings, Serializer<K> key, Serializer<V> value);

    abstract <K, V> Producer<K, V> create(Properties settings);

    abstract <K, V> Producer<K, V> create(Properties settings, Serializer<K> key, Serializer<V> value);
}
