package org.sendoff.programs;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sendoff.ConfigurationException;
import org.sendoff.Producer;
import org.sendoff.Record;
import org.sendoff.SendoffException;

/** EveryCall BROKERS TOPIC: everything that crosses into the library, for a JVM that checks it. */
public final class EveryCall {
    private EveryCall() {
    }

    public static void main(String[] arguments) throws InterruptedException {
        String topic = arguments[1];
        Map<String, String> settings = new HashMap<>(Map.of("bootstrap.servers", arguments[0], "log.level", "7"));
        refused(settings);
        try (Producer producer = new Producer(settings)) {
            producer.connect(Duration.ofSeconds(30));
            producer.send(Record.of(topic, "value")).join();
            producer.partitionsFor(topic, Duration.ofSeconds(30));
            producer.send(Record.to(topic).key(new byte[0]).value((byte[]) null).header("h", "v")
                .header("n", (byte[]) null).partition(1).timestamp(1).build());
            Thread[] threads = new Thread[4];
            for (int i = 0; i < threads.length; i++) {
                threads[i] = new Thread(() -> sendMany(producer, topic));
                threads[i].start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            producer.flush();
            fail(() -> producer.send(Record.of("not a topic", "value")));
            fail(() -> producer.send(Record.of(topic, new byte[2_000_000])));
            System.out.println(producer.counters().recordsDelivered() + " delivered by " + Producer.version()
                + " of " + Producer.knownSettings().size() + " settings");
        }
    }

    private static void refused(Map<String, String> settings) {
        for (String name : List.of("no.such.setting", "acks")) {
            Map<String, String> wrong = new HashMap<>(settings);
            wrong.put(name, "wrong");
            try (Producer producer = new Producer(wrong)) {
                throw new IllegalStateException(name + " was accepted: " + producer.settings());
            } catch (ConfigurationException exception) {
                System.out.println("refused " + exception.setting());
            }
        }
    }

    private static void sendMany(Producer producer, String topic) {
        for (int i = 0; i < 2000; i++) {
            producer.send(Record.of(topic, new byte[i * 5]), delivery -> { });
        }
    }

    private static void fail(Runnable call) {
        try {
            call.run();
        } catch (SendoffException exception) {
            System.out.println("failed " + exception.codeName());
            return;
        }
        throw new IllegalStateException("a call that has to fail did not");
    }
}
