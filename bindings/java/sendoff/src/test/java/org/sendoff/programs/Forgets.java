package org.sendoff.programs;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.sendoff.Producer;
import org.sendoff.Record;

/**
 * Forgets BROKERS TOPIC COUNT HOW [name=value ...]: sends, closes nothing, and ends: by "return" from main, by
 * "exit", by "signal" or by "exit-in-callback". Or by exit with a hook of its own that sends one record more while
 * Sendoff's hook is at work, and closes ("hook") or does not ("hook-that-forgets"). Each callback writes a line.
 */
public final class Forgets {
    private static Producer producer;

    private Forgets() {
    }

    /** When the first callback has run, which is because Sendoff's hook has ended the linger. */
    private static void sendOnceMore(String topic, CountDownLatch called, String how) {
        try {
            called.await();
        } catch (InterruptedException exception) {
            throw new AssertionError(exception);
        }
        producer.send(Record.of(topic, "one more"), delivery -> System.out.println("callback of one more"));
        if (how.equals("hook")) {
            producer.close();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> settings = new HashMap<>(Map.of("bootstrap.servers", arguments[0],
            "linger.ms", "60000"));
        for (int i = 4; i < arguments.length; i++) {
            String[] setting = arguments[i].split("=", 2);
            settings.put(setting[0], setting[1]);
        }
        int count = Integer.parseInt(arguments[2]);
        String how = arguments[3];
        AtomicInteger callbacks = new AtomicInteger();
        CountDownLatch called = new CountDownLatch(1);
        producer = new Producer(settings);
        for (int i = 0; i < count; i++) {
            producer.send(Record.of(arguments[1], "value"), delivery -> {
                callbacks.incrementAndGet();
                System.out.println("callback " + callbacks.get());
                called.countDown();
                if (how.equals("exit-in-callback") && callbacks.get() == 1) {
                    System.exit(3);
                }
            });
        }
        if (how.startsWith("hook")) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> sendOnceMore(arguments[1], called, how)));
        }
        if (how.equals("exit") || how.startsWith("hook")) {
            System.exit(3);
        }
        if (how.equals("exit-in-callback")) {
            producer.flush();
        }
        if (how.equals("signal")) {
            new ProcessBuilder("kill", "-TERM", String.valueOf(ProcessHandle.current().pid())).start().waitFor();
            Thread.currentThread().join();
        }
    }
}
