import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.sendoff.internal.NativeCounters;
import org.sendoff.internal.SendoffNative;
import org.sendoff.internal.SendoffNativeJNI;
import org.sendoff.internal.Utf8;

/** A program of release 1.0 over what SWIG made of that release's header. Arguments: BOOTSTRAP TOPIC. */
public final class Program_1_0 {
    private static final int RECORDS = 100;
    private static final int PATIENCE_MS = 60_000;
    private static final int REPORT_BYTES = 64;
    private static final int OUTCOME_OFFSET = 50;

    private Program_1_0() {
    }

    public static void main(String[] arguments) {
        long producer = open("bootstrap.servers", arguments[0], "delivery.report.mode", "queue");
        int[] topic = new int[1];
        expect("topic", SendoffNative.topic(producer, arguments[1], topic));
        for (int i = 0; i < RECORDS; i++) {
            byte[] value = ("java-" + i).getBytes(StandardCharsets.UTF_8);
            expect("send", SendoffNativeJNI.sendRecord(producer, topic[0], 0, 0, 0, null, value, null, i));
        }
        expect("flush", SendoffNative.flush(producer, PATIENCE_MS));
        int delivered = takeReports(producer);
        try (NativeCounters counters = new NativeCounters()) {
            expect("get_counters", SendoffNative.get_counters(producer, counters));
            System.out.printf("%d accepted, %d delivered%n", counters.getRecords_accepted(), delivered);
        }
        expect("close", SendoffNative.close(producer, PATIENCE_MS));
        SendoffNative.destroy(producer);
    }

    private static long open(String... settings) {
        long[] config = new long[1];
        long[] producer = new long[1];
        byte[] error = new byte[256];
        expect("config_create", SendoffNative.config_create(config));
        for (int i = 0; i < settings.length; i += 2) {
            expect(settings[i], SendoffNative.config_set(config[0], settings[i], settings[i + 1], error));
        }
        int status = SendoffNative.open(config[0], producer, error);
        expect("open: " + Utf8.text(error), status);
        SendoffNative.config_destroy(config[0]);
        return producer[0];
    }

    /** How many of the records were delivered, once each has its report. */
    private static int takeReports(long producer) {
        ByteBuffer reports = ByteBuffer.allocateDirect(16 * REPORT_BYTES).order(ByteOrder.nativeOrder());
        long[] count = new long[1];
        int delivered = 0;
        for (int reported = 0; reported < RECORDS; reported += (int) count[0]) {
            expect("poll", SendoffNative.poll(producer, reports, PATIENCE_MS, count));
            for (int i = 0; i < count[0]; i++) {
                boolean isNext = reports.getLong(i * REPORT_BYTES) == reported + i;
                int outcome = reports.get(i * REPORT_BYTES + OUTCOME_OFFSET);
                delivered += isNext && outcome == SendoffNative.OUTCOME_DELIVERED ? 1 : 0;
            }
        }
        return delivered;
    }

    private static void expect(String call, int status) {
        if (status != SendoffNative.OK) {
            throw new IllegalStateException(call + ": " + SendoffNative.status_name(status));
        }
    }
}
