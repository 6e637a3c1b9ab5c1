import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * LedgerVerifier BOOTSTRAP PREFIX TOPICS RUN LEDGER: reads the topics of a run to their ends and holds them against
 * the ledger of its sender; cluster/load.h has the form of both. Prints one line of JSON and exits with 1 if anything
 * is wrong. Records that were reported not delivered, or with an unknown outcome, are counted, not wrong.
 */
public final class LedgerVerifier {
    private static final int ENTRY_BYTES = 24;
    private static final int DELIVERED = 1, DELIVERED_OFFSET_UNKNOWN = 2, NOT_DELIVERED = 3, UNKNOWN = 4;
    private static final String[] COUNTED = {"accepted", "read", "delivered", "not_delivered", "unknown",
        "unknown_present"};
    private static final String[] WRONG = {"lost", "duplicated", "inverted", "misrouted", "corrupt", "phantom",
        "misreported", "reports_missing", "reports_doubled"};

    private final ByteBuffer ledger;
    private final int count;
    private final byte[] run;
    private final BitSet seen = new BitSet();
    private final Map<TopicPartition, Long> lastOfPartition = new HashMap<>();
    private final Map<String, Long> found = new HashMap<>();

    private LedgerVerifier(ByteBuffer ledger, long run) {
        this.ledger = ledger;
        this.count = ledger.capacity() / ENTRY_BYTES;
        this.run = String.format("%08x", run).getBytes(StandardCharsets.US_ASCII);
    }

    public static void main(String[] arguments) throws IOException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("auto.offset.reset", "earliest");
        settings.put("isolation.level", "read_committed");
        settings.put("max.partition.fetch.bytes", "4194304");
        settings.put("max.poll.records", "20000");
        int topicCount = Integer.parseInt(arguments[2]);
        ByteBuffer ledger = ByteBuffer.wrap(Files.readAllBytes(Path.of(arguments[4]))).order(ByteOrder.LITTLE_ENDIAN);
        LedgerVerifier verifier = new LedgerVerifier(ledger, Long.parseLong(arguments[3]));
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
            List<String> topics = IntStream.range(0, topicCount).mapToObj(topic ->
                topicCount == 1 ? arguments[1] : String.format("%s-%05d", arguments[1], topic)).toList();
            List<TopicPartition> partitions = topics.stream().flatMap(topic -> consumer.partitionsFor(topic).stream())
                .map(partition -> new TopicPartition(partition.topic(), partition.partition())).toList();
            verifier.readAll(consumer, partitions);
        }
        System.exit(verifier.conclude() ? 0 : 1);
    }

    private void readAll(KafkaConsumer<byte[], byte[]> consumer, List<TopicPartition> partitions) {
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
            consumer.poll(Duration.ofMillis(200)).forEach(this::examine);
        }
    }

    private void add(String what, long more) {
        found.merge(what, more, Long::sum);
    }

    private void examine(ConsumerRecord<byte[], byte[]> record) {
        add("read", 1);
        byte[] text = record.value();
        if (text == null || !isWhole(text) || !Arrays.equals(record.key(), Lines.field(text, "key"))) {
            add("corrupt", 1);
            return;
        }
        long id = Lines.number(text, "id");
        if (!Arrays.equals(run, Lines.field(text, "run")) || id < 0 || id >= count || !isAccepted((int) id)) {
            add("phantom", 1);
            return;
        }
        byte[] topic = Lines.field(text, "topic");
        if (!record.topic().equals(new String(topic, StandardCharsets.US_ASCII))) {
            add("misrouted", 1);
        }
        if (seen.get((int) id)) {
            add("duplicated", 1);
            return;
        }
        seen.set((int) id);
        Long before = lastOfPartition.put(new TopicPartition(record.topic(), record.partition()), id);
        if (before != null && before >= id) {
            add("inverted", 1);
        }
        examineReport(record, (int) id);
    }

    private void examineReport(ConsumerRecord<byte[], byte[]> record, int id) {
        int outcome = outcome(id);
        boolean delivered = outcome == DELIVERED || outcome == DELIVERED_OFFSET_UNKNOWN;
        if (outcome == NOT_DELIVERED) {
            add("phantom", 1);
        } else if (outcome == UNKNOWN) {
            add("unknown_present", 1);
        } else if (delivered && ledger.getInt(id * ENTRY_BYTES + 8) != record.partition()) {
            add("misrouted", 1);
        } else if (outcome == DELIVERED && ledger.getLong(id * ENTRY_BYTES) != record.offset()) {
            add("misreported", 1);
        }
    }

    /** Whether the checksum is that of what stands before it. */
    private static boolean isWhole(byte[] text) {
        int checked = text.length - " crc=00000000".length();
        byte[] written = Lines.field(text, "crc");
        if (checked < 0 || written == null) {
            return false;
        }
        CRC32 checksum = new CRC32();
        checksum.update(text, 0, checked);
        return String.format("%08x", checksum.getValue()).equals(new String(written, StandardCharsets.US_ASCII));
    }

    private boolean isAccepted(int id) {
        return ledger.get(id * ENTRY_BYTES + 16) != 0;
    }

    private int outcome(int id) {
        return ledger.get(id * ENTRY_BYTES + 18);
    }

    private boolean conclude() {
        for (int id = 0; id < count; id++) {
            int reports = ledger.get(id * ENTRY_BYTES + 17) & 0xff, expected = isAccepted(id) ? 1 : 0;
            add("accepted", expected);
            add("reports_missing", reports < expected ? 1 : 0);
            add("reports_doubled", reports > expected ? 1 : 0);
            int outcome = outcome(id);
            boolean delivered = outcome == DELIVERED || outcome == DELIVERED_OFFSET_UNKNOWN;
            add("delivered", delivered ? 1 : 0);
            add("not_delivered", outcome == NOT_DELIVERED ? 1 : 0);
            add("unknown", outcome == UNKNOWN ? 1 : 0);
            add("lost", delivered && !seen.get(id) ? 1 : 0);
        }
        StringBuilder output = new StringBuilder();
        for (String name : COUNTED) {
            output.append(String.format("\"%s\": %d, ", name, found.getOrDefault(name, 0L)));
        }
        long wrong = 0;
        for (String name : WRONG) {
            wrong += found.getOrDefault(name, 0L);
            output.append(String.format("\"%s\": %d, ", name, found.getOrDefault(name, 0L)));
        }
        System.out.println("{" + output.substring(0, output.length() - 2) + "}");
        return wrong == 0;
    }
}
