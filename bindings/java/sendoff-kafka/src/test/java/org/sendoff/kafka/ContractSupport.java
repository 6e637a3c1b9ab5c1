package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Makes producers by a factory, closes them after each test, and waits for what they do. */
abstract class ContractSupport {
    protected final ProducerFactory factory;
    protected final String bootstrap;
    protected String topic;
    private final List<Producer<?, ?>> producers = new ArrayList<>();

    ContractSupport(ProducerFactory factory, String bootstrap) {
        this.factory = factory;
        this.bootstrap = bootstrap;
    }

    @BeforeEach
    void begin() {
        topic = Brokers.newTopic();
        Recording.clear();
    }

    @AfterEach
    void closeProducers() {
        Thread.interrupted();
        for (Producer<?, ?> producer : producers) {
            producer.close(Duration.ZERO);
        }
    }

    /** Settings of pairs of name and value, beside the bootstrap servers. */
    Map<String, Object> settings(Object... pairs) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", bootstrap);
        for (int i = 0; i < pairs.length; i += 2) {
            settings.put((String) pairs[i], pairs[i + 1]);
        }
        return settings;
    }

    <K, V> Producer<K, V> closedLater(Producer<K, V> producer) {
        producers.add(producer);
        return producer;
    }

    Producer<String, String> producer(Object... pairs) {
        return closedLater(factory.create(settings(pairs), new StringSerializer(), new StringSerializer()));
    }

    /** Has its serializers made by class name, as most plug-ins need nothing else. */
    Producer<String, String> producerOfClassNames(Object... pairs) {
        Map<String, Object> settings = settings(pairs);
        settings.putIfAbsent("key.serializer", StringSerializer.class.getName());
        settings.putIfAbsent("value.serializer", StringSerializer.class.getName());
        return closedLater(factory.create(settings));
    }

    ProducerRecord<String, String> record(String value) {
        return new ProducerRecord<>(topic, 0, null, value);
    }

    static RecordMetadata get(Future<RecordMetadata> future) throws Exception {
        return future.get(Brokers.DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    static Throwable failureOf(Future<RecordMetadata> future) {
        return assertThrows(ExecutionException.class, () -> get(future)).getCause();
    }

    /** Sends until a record is delivered, so that the topic and its broker are known whatever the timeouts are. */
    static void warmUp(Producer<String, String> producer, String topic) {
        Brokers.eventually(() -> {
            try {
                get(producer.send(new ProducerRecord<>(topic, 0, null, "warm-up")));
                return true;
            } catch (ExecutionException failure) {
                assertTrue(failure.getCause() instanceof TimeoutException, () -> "warm-up: " + failure.getCause());
                return false;
            } catch (Exception failure) {
                throw new AssertionError(failure);
            }
        });
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** What a callback was told, and how often. */
    static final class Told implements Callback {
        private final List<RecordMetadata> metadata = new ArrayList<>();
        private final List<Exception> exceptions = new ArrayList<>();
        private final List<Thread> threads = new ArrayList<>();

        @Override
        public synchronized void onCompletion(RecordMetadata record, Exception exception) {
            metadata.add(record);
            exceptions.add(exception);
            threads.add(Thread.currentThread());
        }

        synchronized List<RecordMetadata> metadata() {
            return List.copyOf(metadata);
        }

        synchronized List<Exception> exceptions() {
            return new ArrayList<>(exceptions);
        }

        synchronized List<Thread> threads() {
            return List.copyOf(threads);
        }

        synchronized int times() {
            return metadata.size();
        }

        /** The one exception of the one call. */
        synchronized Exception exception() {
            if (exceptions.size() != 1) {
                throw new AssertionError("called " + exceptions.size() + " times");
            }
            return exceptions.get(0);
        }
    }
}
