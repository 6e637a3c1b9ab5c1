package org.sendoff.programs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.sendoff.Producer;
import org.sendoff.Record;

/** Millions BROKERS TOPIC MILLIONS: prints the process's memory after each million that was delivered. */
public final class Millions {
    private static final int MILLION = 1_000_000;

    private Millions() {
    }

    private static long residentMegabytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmRSS:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024).findFirst().orElseThrow();
    }

    public static void main(String[] arguments) throws IOException {
        LongAdder delivered = new LongAdder();
        // So little memory for records that all of it is in use early, whatever the pace.
        Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0], "buffer.memory", 4 << 20);
        try (Producer producer = new Producer(settings)) {
            for (int million = 1; million <= Integer.parseInt(arguments[2]); million++) {
                for (int i = 0; i < MILLION; i++) {
                    producer.send(Record.of(arguments[1], new byte[100]), delivery -> {
                        if (delivery.isDelivered()) {
                            delivered.increment();
                        }
                    });
                }
                producer.flush();
                System.out.println(delivered.sum() + " delivered, " + residentMegabytes() + " MB");
            }
        }
    }
}
