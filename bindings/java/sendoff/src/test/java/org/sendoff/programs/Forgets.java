package org.sendoff.programs;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.sendoff.Producer;
import org.sendoff.Record;

/**
 * Forgets BROKERS TOPIC COUNT HOW [name=value ...]: sends, closes nothing, and ends: by "return" from main, by
 * "exit", by "signal" or by "exit-in-callback". Each callback writes a line.
 */
public final class Forgets {
    private static Producer producer;

    private Forgets() {
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
        producer = new Producer(settings);
        for (int i = 0; i < count; i++) {
            producer.send(Record.of(arguments[1], "value"), delivery -> {
                callbacks.incrementAndGet();
                System.out.println("callback " + callbacks.get());
                if (how.equals("exit-in-callback") && callbacks.get() == 1) {
                    System.exit(3);
                }
            });
        }
        if (how.equals("exit")) {
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
