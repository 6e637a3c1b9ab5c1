package org.sendoff;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/** The brokers that tests run against; bindings/with-brokers starts them. Both make topics of three partitions. */
enum Broker {
    EMBEDDED("SENDOFF_TEST_EMBEDDED"),
    KAFKA("SENDOFF_TEST_KAFKA");

    static final int PARTITIONS = 3;

    private static final AtomicInteger TOPICS = new AtomicInteger();
    private static final long STARTED = System.currentTimeMillis();

    private final String variable;

    Broker(String variable) {
        this.variable = variable;
    }

    String bootstrap() {
        return Objects.requireNonNull(System.getenv(variable), variable + " is not set: run by bindings/with-brokers");
    }

    /** A producer to this broker; settings are names and values in turn. */
    Producer producer(Object... settings) {
        return producerTo(bootstrap(), settings);
    }

    /** A producer to a port where nobody listens. */
    static Producer producerToNobody(Object... settings) {
        return producerTo("127.0.0.1:1", settings);
    }

    private static Producer producerTo(String bootstrap, Object... settings) {
        Map<String, Object> all = new HashMap<>(Map.of("bootstrap.servers", bootstrap));
        for (int i = 0; i < settings.length; i += 2) {
            all.put((String) settings[i], settings[i + 1]);
        }
        return new Producer(all);
    }

    /** The name of a topic that nobody has used. */
    static String freshTopic(String name) {
        return name + "-" + STARTED + "-" + TOPICS.incrementAndGet();
    }
}
