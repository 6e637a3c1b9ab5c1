package org.sendoff.programs;

import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.sendoff.Callback;
import org.sendoff.Producer;
import org.sendoff.Record;

/** Leaks BROKERS TOPIC COUNT: drops producers that were not closed until the collector has taken them. */
public final class Leaks {
    private static final AtomicInteger CALLBACKS = new AtomicInteger();

    private Leaks() {
    }

    /** Its records still linger when it is dropped. */
    private static WeakReference<Producer> leakWithRecords(String brokers, String topic, int count) {
        Producer producer = new Producer(Map.of("bootstrap.servers", brokers, "linger.ms", "60000"));
        for (int i = 0; i < count; i++) {
            producer.send(Record.of(topic, "value"), delivery -> CALLBACKS.incrementAndGet());
        }
        return new WeakReference<>(producer);
    }

    /** Its callback holds the producer itself. */
    private static WeakReference<Producer> leakByCallback(String brokers, String topic, int count) {
        Producer producer = new Producer(Map.of("bootstrap.servers", brokers));
        Callback callback = delivery -> CALLBACKS.addAndGet(producer.settings().isEmpty() ? 0 : 1);
        for (int i = 0; i < count; i++) {
            producer.send(Record.of(topic, "value"), callback);
        }
        return new WeakReference<>(producer);
    }

    private static boolean deliveryThreadsEnded() {
        return Thread.getAllStackTraces().keySet().stream()
            .noneMatch(thread -> thread.getName().endsWith("-deliveries"));
    }

    public static void main(String[] arguments) throws InterruptedException {
        int count = Integer.parseInt(arguments[2]);
        WeakReference<?> first = leakWithRecords(arguments[0], arguments[1], count);
        WeakReference<?> second = leakByCallback(arguments[0], arguments[1], count);
        while (first.get() != null || second.get() != null || !deliveryThreadsEnded()) {
            System.gc();
            Thread.sleep(20);
        }
        System.out.println("collected, callbacks: " + CALLBACKS.get());
        // Nothing that the shutdown hook could do any more.
        Runtime.getRuntime().halt(0);
    }
}
