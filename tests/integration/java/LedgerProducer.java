import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * LedgerProducer BOOTSTRAP PREFIX TOPICS RUN RECORDS RATE LEDGER [name=value ...]: what cluster/ledger_sender.c does,
 * by Kafka's own producer, whose exceptions do not say whether a record may have been written: such are unknown.
 */
public final class LedgerProducer {
    private static final int ENTRY_BYTES = 24, KEYS = 5000, PAD_BYTES_MAX = 160;
    private static final byte DELIVERED = 1, DELIVERED_OFFSET_UNKNOWN = 2, UNKNOWN = 4;
    private static final long BURST_MS = 4, PROGRESS_INTERVAL_MS = 10;

    private final String prefix;
    private final int topicCount, run;
    private final long count, rate;
    private final MappedByteBuffer ledger;
    private final int[] counters = new int[KEYS];
    private final AtomicLong limit = new AtomicLong(), sent = new AtomicLong();
    private final AtomicLong delivered = new AtomicLong(), unknown = new AtomicLong(), refused = new AtomicLong();
    private final Map<String, Integer> reasons = new ConcurrentSkipListMap<>();
    private final AtomicBoolean toldToEnd = new AtomicBoolean();
    private final long started = System.nanoTime();
    private long begun = started;

    private LedgerProducer(String[] arguments) throws IOException {
        prefix = arguments[1];
        topicCount = Integer.parseInt(arguments[2]);
        run = Integer.parseInt(arguments[3]);
        count = Long.parseLong(arguments[4]);
        rate = Long.parseLong(arguments[5]);
        try (RandomAccessFile file = new RandomAccessFile(arguments[6], "rw")) {
            file.setLength(count * ENTRY_BYTES);
            ledger = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, count * ENTRY_BYTES);
            ledger.order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        for (int i = 7; i < arguments.length; i++) {
            int equals = arguments[i].indexOf('=');
            settings.put(arguments[i].substring(0, equals), arguments[i].substring(equals + 1));
        }
        LedgerProducer sender = new LedgerProducer(arguments);
        daemon(sender::readLimits);
        daemon(sender::printProgress);
        ByteArraySerializer bytes = new ByteArraySerializer();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes)) {
            sender.sendAll(producer);
        }
        sender.printSummary();
        System.exit(0);
    }

    private void printSummary() {
        String why = reasons.entrySet().stream()
            .map(each -> String.format("\"%s\": %d", each.getKey(), each.getValue())).collect(Collectors.joining(", "));
        System.out.printf("{\"accepted\": %d, \"refused\": %d, \"delivered\": %d, \"unknown\": %d, "
                + "\"reasons\": {%s}, \"version\": \"%s\"}%n", sent.get() - refused.get(), refused.get(),
            delivered.get(), unknown.get(), why, AppInfoParser.getVersion());
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
    }

    private void readLimits() {
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII))) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                if (line.equals("end")) {
                    toldToEnd.set(true);
                } else {
                    limit.set(Long.parseLong(line.substring("limit ".length())));
                }
            }
            limit.set(Long.MAX_VALUE);
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    private void printProgress() {
        try {
            while (true) {
                Thread.sleep(PROGRESS_INTERVAL_MS);
                System.out.printf("progress %d 0 0 0 %d%n", sent.get(), delivered.get());
            }
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isDue(long id) {
        return id < limit.get() && id * 1_000_000_000 / rate <= System.nanoTime() - begun;
    }

    private void sendAll(KafkaProducer<byte[], byte[]> producer) throws InterruptedException {
        for (long id = 0; id < count; id++) {
            while (!toldToEnd.get() && !isDue(id)) {
                long before = System.nanoTime();
                Thread.sleep(BURST_MS);
                if (id >= limit.get()) {
                    begun += System.nanoTime() - before;
                }
            }
            if (toldToEnd.get()) {
                return;
            }
            send(producer, (int) id);
            sent.set(id + 1);
        }
    }

    private void send(KafkaProducer<byte[], byte[]> producer, int id) {
        ProducerRecord<byte[], byte[]> record = record(id);
        ledger.put(id * ENTRY_BYTES + 16, (byte) 1);
        try {
            producer.send(record, (metadata, error) -> report(id, metadata, error));
        } catch (IllegalStateException | KafkaException error) {
            ledger.put(id * ENTRY_BYTES + 16, (byte) 0);
            refused.incrementAndGet();
        }
    }

    private void report(int id, RecordMetadata metadata, Exception error) {
        int at = id * ENTRY_BYTES;
        byte outcome = UNKNOWN;
        if (error == null) {
            outcome = metadata.hasOffset() ? DELIVERED : DELIVERED_OFFSET_UNKNOWN;
            ledger.putLong(at, metadata.offset());
            ledger.putInt(at + 8, metadata.partition());
        }
        if (error != null) {
            reasons.merge(error.getClass().getSimpleName(), 1, Integer::sum);
        }
        ledger.put(at + 17, (byte) Math.min(255, (ledger.get(at + 17) & 0xff) + 1));
        ledger.put(at + 18, outcome);
        ledger.putInt(at + 20, (int) ((System.nanoTime() - started) / 1_000_000));
        (error == null ? delivered : unknown).incrementAndGet();
    }

    private static long mix(long seed) {
        long bits = seed + 0x9e3779b97f4a7c15L;
        bits = (bits ^ bits >>> 30) * 0xbf58476d1ce4e5b9L;
        bits = (bits ^ bits >>> 27) * 0x94d049bb133111ebL;
        return bits ^ bits >>> 31;
    }

    private ProducerRecord<byte[], byte[]> record(long id) {
        long bits = mix((long) run << 40 ^ id);
        int keyIndex = (int) ((bits >>> 32) % KEYS);
        String topic = topicCount == 1 ? prefix : String.format("%s-%05d", prefix, id % topicCount);
        String key = String.format("user-%05d", keyIndex);
        int padBytes = (int) Long.remainderUnsigned(bits, PAD_BYTES_MAX) + 1;
        StringBuilder pad = new StringBuilder();
        for (int i = 0; i < padBytes; i++) {
            bits = i % 8 == 0 ? mix(bits) : bits;
            pad.append((char) ('a' + (bits >>> 8 * (i % 8) & 15)));
        }
        byte[] checked = String.format("run=%08x topic=%s key=%s n=%d id=%d pad=%s", run, topic, key,
            counters[keyIndex]++, id, pad).getBytes(StandardCharsets.US_ASCII);
        CRC32 checksum = new CRC32();
        checksum.update(checked);
        String text = new String(checked, StandardCharsets.US_ASCII) + String.format(" crc=%08x", checksum.getValue());
        return new ProducerRecord<>(topic, key.getBytes(StandardCharsets.US_ASCII),
            text.getBytes(StandardCharsets.US_ASCII));
    }
}
