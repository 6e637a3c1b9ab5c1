package org.sendoff.programs;

import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.sendoff.Producer;
import org.sendoff.Record;

/** Leaks BROKERS TOPIC COUNT: drops producers that were not closed until the collector has taken them. */
public final class Leaks {
    private static final AtomicInteger CALLBACKS = new AtomicInteger();

    private Leaks() {
    }

    private static WeakReference<Producer> leak(String brokers, String topic, int count) {
        Producer producer = new Producer(Map.of("bootstrap.servers", brokers, "linger.ms", "60000"));
        for (int i = 0; i < count; i++) {
            producer.send(Record.of(topic, "value"), delivery -> CALLBACKS.incrementAndGet());
        }
        return new WeakReference<>(producer);
    }

    private static boolean deliveryThreadsEnded() {
        return Thread.getAllStackTraces().keySet().stream()
            .noneMatch(thread -> thread.getName().endsWith("-deliveries"));
    }

    public static void main(String[] arguments) throws InterruptedException {
        int count = Integer.parseInt(arguments[2]);
        WeakReference<?> first = leak(arguments[0], arguments[1], count);
        WeakReference<?> second = leak(arguments[0], arguments[1], count);
        while (first.get() != null || second.get() != null || !deliveryThreadsEnded()) {
            System.gc();
            Thread.sleep(20);
        }
        System.out.println("collected, callbacks: " + CALLBACKS.get());
        // Nothing that the shutdown hook could do any more.
        Runtime.getRuntime().halt(0);
    }
}
