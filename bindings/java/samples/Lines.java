import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.sendoff.BufferFullException;
import org.sendoff.Producer;
import org.sendoff.Record;

/**
 * Lines BROKERS TOPIC: sends each line of standard input as a record, with a callback for each, and ends with status
 * 1 if one was not delivered.
 */
public final class Lines {
    private Lines() {
    }

    public static void main(String[] arguments) throws IOException {
        LongAdder delivered = new LongAdder();
        LongAdder failed = new LongAdder();
        Map<String, Object> settings =
            Map.of("bootstrap.servers", arguments[0], "compression.type", "zstd", "linger.ms", 20);
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Producer producer = new Producer(settings)) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                producer.send(Record.of(arguments[1], line), delivery -> {
                    if (delivery.isDelivered()) {
                        delivered.increment();
                    } else {
                        failed.increment();
                        System.err.println(delivery.exception().getMessage());
                    }
                });
            }
        } catch (BufferFullException exception) {
            // The brokers took nothing for max.block.ms. What was accepted has been reported by now.
            System.err.println(exception.getMessage());
            failed.increment();
        }
        System.out.println(delivered + " delivered, " + failed + " failed");
        System.exit(failed.sum() == 0 ? 0 : 1);
    }
}
