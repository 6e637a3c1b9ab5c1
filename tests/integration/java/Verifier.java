import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Verifier BOOTSTRAP TOPIC INPUT [REPORTS] [name=value ...]: reads a topic to its end and holds it against the lines
 * that were sent to it and, if given, against the reports that the sender had: 16 bytes a line, little-endian, in the
 * order of the lines (offset int64, partition int32, outcome int32: 0 none, 1 delivered, 2 delivered at an unknown
 * offset, 3 not delivered, 4 unknown). Prints one line of JSON and exits with 1 if anything is wrong. Settings are the
 * consumer's.
 */
public final class Verifier {
    private static final int DELIVERED = 1, DELIVERED_OFFSET_UNKNOWN = 2, NOT_DELIVERED = 3;
    private static final int REPORT_BYTES = 16;

    private final Lines input;
    private final ByteBuffer reports;
    private final int partitionCount;
    private final BitSet seen = new BitSet();
    private final Map<ByteBuffer, Long> lastOfKey = new HashMap<>();
    private final long[] lastOfPartition;
    private long read, duplicated, inverted, invertedInPartition, misplaced, corrupt, misreported, phantom;

    private Verifier(Lines input, ByteBuffer reports, int partitionCount) {
        this.input = input;
        this.reports = reports;
        this.partitionCount = partitionCount;
        lastOfPartition = new long[partitionCount];
        Arrays.fill(lastOfPartition, -1);
    }

    public static void main(String[] arguments) throws IOException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("auto.offset.reset", "earliest");
        settings.put("isolation.level", "read_committed");
        settings.put("max.partition.fetch.bytes", "4194304");
        settings.put("max.poll.records", "20000");
        ByteBuffer reports = null;
        for (int i = 3; i < arguments.length; i++) {
            int equals = arguments[i].indexOf('=');
            if (equals < 0) {
                reports = ByteBuffer.wrap(Files.readAllBytes(Path.of(arguments[i]))).order(ByteOrder.LITTLE_ENDIAN);
            } else {
                settings.put(arguments[i].substring(0, equals), arguments[i].substring(equals + 1));
            }
        }
        Lines input = new Lines(Path.of(arguments[2]));
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
            List<TopicPartition> partitions = consumer.partitionsFor(arguments[1]).stream()
                .map(partition -> new TopicPartition(partition.topic(), partition.partition())).toList();
            Verifier verifier = new Verifier(input, reports, partitions.size());
            verifier.readAll(consumer, partitions);
            System.exit(verifier.conclude() ? 0 : 1);
        }
    }

    private void readAll(KafkaConsumer<byte[], byte[]> consumer, List<TopicPartition> partitions) {
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
            consumer.poll(Duration.ofMillis(200)).forEach(this::examine);
        }
    }

    private void examine(ConsumerRecord<byte[], byte[]> record) {
        read++;
        byte[] line = record.value();
        long id = line == null ? -1 : Lines.number(line, "id");
        if (id < 0 || id >= input.count() || !Arrays.equals(line, input.line((int) id))
            || !Arrays.equals(record.key(), Lines.field(line, "key"))) {
            corrupt++;
            return;
        }
        if (seen.get((int) id)) {
            duplicated++;
            return;
        }
        seen.set((int) id);
        examinePlace(record, line, id);
        if (reports != null) {
            examineReport(record, (int) id);
        }
    }

    private void examinePlace(ConsumerRecord<byte[], byte[]> record, byte[] line, long id) {
        if (BuiltInPartitioner.partitionForKey(record.key(), partitionCount) != record.partition()) {
            misplaced++;
        }
        long counter = Lines.number(line, "n");
        Long before = lastOfKey.put(ByteBuffer.wrap(record.key()), counter);
        if (before != null && before >= counter) {
            inverted++;
        }
        if (lastOfPartition[record.partition()] >= id) {
            invertedInPartition++;
        }
        lastOfPartition[record.partition()] = id;
    }

    private void examineReport(ConsumerRecord<byte[], byte[]> record, int id) {
        int outcome = reports.getInt(id * REPORT_BYTES + 12);
        if (outcome == NOT_DELIVERED || outcome == 0) {
            phantom++;
        } else if (outcome == DELIVERED && (reports.getLong(id * REPORT_BYTES) != record.offset()
            || reports.getInt(id * REPORT_BYTES + 8) != record.partition())) {
            misreported++;
        }
    }

    /** Lines that are not there: lost, unless the sender said so itself. Without reports every line has to be there. */
    private boolean conclude() {
        long lost = 0, absent = 0;
        for (int id = seen.nextClearBit(0); id < input.count(); id = seen.nextClearBit(id + 1)) {
            int outcome = reports == null ? DELIVERED : reports.getInt(id * REPORT_BYTES + 12);
            if (outcome == DELIVERED || outcome == DELIVERED_OFFSET_UNKNOWN) {
                lost++;
            } else {
                absent++;
            }
        }
        System.out.printf("{\"lines\": %d, \"read\": %d, \"lost\": %d, \"absent\": %d, \"duplicated\": %d, "
                + "\"inverted\": %d, \"inverted_in_partition\": %d, \"misplaced\": %d, \"corrupt\": %d, "
                + "\"misreported\": %d, \"phantom\": %d}%n",
            input.count(), read, lost, absent, duplicated, inverted, invertedInPartition, misplaced, corrupt,
            misreported, phantom);
        return lost + duplicated + inverted + invertedInPartition + misplaced + corrupt + misreported + phantom == 0;
    }
}
