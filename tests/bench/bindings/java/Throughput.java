import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.atomic.LongAdder;
import org.sendoff.Callback;
import org.sendoff.Producer;
import org.sendoff.Record;

/**
 * Throughput BOOTSTRAP TOPIC RECORDS BYTES [name=value ...]: Sendoff from Java, warmed up by half as many records.
 * The text is payload.h's.
 */
public final class Throughput {
    private static final int PAYLOAD_BYTES = 1 << 20;
    private static final int STRIDE = 7919;
    private static final String[] WORDS = {"\"user\":", "\"order\":", "\"price\":", "\"status\":\"ok\"", "\"time\":",
        "\"region\":\"eu\"", "{", "}", ",", "\"id\":", "\"trace\":", "null", "true", "\"items\":[", "]",
        "\"note\":\"retry\""};

    private static int state = 1;

    private static int random() {
        state = state * 1103515245 + 12345;
        return (state >>> 16) & 0x7fff;
    }

    private static byte[] payload() {
        StringBuilder text = new StringBuilder();
        while (text.length() < PAYLOAD_BYTES) {
            text.append(WORDS[random() & 15]);
            int number = random();
            for (int digit = 0; digit < 4; digit++, number /= 10) {
                text.append((char) ('0' + number % 10));
            }
        }
        return Arrays.copyOf(text.toString().getBytes(StandardCharsets.US_ASCII), PAYLOAD_BYTES);
    }

    private static void send(Producer producer, String topic, byte[] text, long count, int bytes,
                             Callback callback) {
        for (long i = 0; i < count; i++) {
            int at = (int) (i * STRIDE % (text.length - bytes));
            producer.send(Record.of(topic, Arrays.copyOfRange(text, at, at + bytes)), callback);
        }
        producer.flush();
    }

    public static void main(String[] arguments) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        for (int i = 4; i < arguments.length; i++) {
            int equals = arguments[i].indexOf('=');
            settings.put(arguments[i].substring(0, equals), arguments[i].substring(equals + 1));
        }
        String topic = arguments[1];
        long count = Long.parseLong(arguments[2]);
        int bytes = Integer.parseInt(arguments[3]);
        byte[] text = payload();
        LongAdder delivered = new LongAdder();
        LongAdder failed = new LongAdder();
        Callback callback = delivery -> (delivery.isDelivered() ? delivered : failed).increment();
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        try (Producer producer = new Producer(settings)) {
            send(producer, topic, text, count / 2, bytes, callback);
            delivered.reset();
            long cpuBegun = system.getProcessCpuTime();
            long begun = System.nanoTime();
            send(producer, topic, text, count, bytes, callback);
            double seconds = (System.nanoTime() - begun) / 1e9;
            double cpu = system.getProcessCpuTime() - cpuBegun;
            System.out.printf(Locale.ROOT, "{\"client\": \"sendoff %s, Java\", \"records\": %d, \"delivered\": %d, "
                    + "\"failed\": %d, \"seconds\": %.3f, \"records_per_second\": %.0f, "
                    + "\"megabytes_per_second\": %.1f, \"cpu_ns_per_record\": %.1f}%n",
                Producer.version(), count, delivered.sum(), failed.sum(), seconds, count / seconds,
                count * (double) bytes / seconds / 1e6, cpu / count);
        }
        System.exit(delivered.sum() == count ? 0 : 1);
    }
}
