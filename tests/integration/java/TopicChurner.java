import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * TopicChurner BOOTSTRAP TOPIC INCARNATIONS SECONDS OUTPUT: makes a topic, adds partitions to it in steps, deletes it
 * after so many seconds and makes it again; the last one stays. Reads each incarnation as it grows, at least to the end
 * that it has before it is deleted, and the last to its end once a line comes from standard input. Writes what it read,
 * by lines:
 *
 *     record INCARNATION PARTITION OFFSET KEY VALUE
 *     read INCARNATION PARTITION POSITION      up to where
 *     life INCARNATION CREATING CREATED ENDING DELETING DELETED
 *
 * in Unix times in ms, of both calls' begins and ends; what was written before ENDING is among what was read. It
 * prints "incarnation N" when one is there, "last" when the last one's time is over.
 */
public final class TopicChurner {
    private static final int[] STEPS = {1, 3, 10, 25, 50};
    private static final long FIRST_RECORD_MS_MAX = 60_000;
    private final Admin admin;
    private final Properties settings;
    private final String topic;
    private final long lifeMs;
    private final PrintWriter output;
    private long recordsRead;

    private TopicChurner(Admin admin, Properties settings, String[] arguments, PrintWriter output) {
        this.admin = admin;
        this.settings = settings;
        this.topic = arguments[1];
        this.lifeMs = 1000 * Long.parseLong(arguments[3]);
        this.output = output;
    }

    public static void main(String[] arguments) throws IOException, ExecutionException, InterruptedException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("auto.offset.reset", "earliest");
        int incarnations = Integer.parseInt(arguments[2]);
        try (Admin admin = Admin.create(settings);
             PrintWriter output = new PrintWriter(Path.of(arguments[4]).toFile(), StandardCharsets.ISO_8859_1)) {
            TopicChurner churner = new TopicChurner(admin, settings, arguments, output);
            for (int incarnation = 0; incarnation < incarnations; incarnation++) {
                churner.live(incarnation, incarnation + 1 == incarnations);
            }
        }
    }

    private void live(int incarnation, boolean last) throws IOException, ExecutionException, InterruptedException {
        long creating = System.currentTimeMillis();
        create();
        long created = System.currentTimeMillis(), ending = Long.MAX_VALUE, deleting = Long.MAX_VALUE;
        long deleted = Long.MAX_VALUE, readBefore = recordsRead;
        System.out.println("incarnation " + incarnation);
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
            int partitions = 0;
            for (int step = 0; step < STEPS.length; step++) {
                if (step > 0) {
                    admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(STEPS[step]))).all().get();
                }
                partitions = grow(consumer, partitions, STEPS[step]);
                long until = created + lifeMs * (step + 1) / STEPS.length;
                do {
                    read(consumer, incarnation);
                } while (System.currentTimeMillis() < until);
            }
            // However slow the machine is, an incarnation gets its first record.
            while (recordsRead == readBefore && System.currentTimeMillis() < created + lifeMs + FIRST_RECORD_MS_MAX) {
                read(consumer, incarnation);
            }
            if (last) {
                System.out.println("last");
                waitForInput();
                readToEnd(consumer, incarnation);
            } else {
                ending = System.currentTimeMillis();
                readToEnd(consumer, incarnation);
                deleting = System.currentTimeMillis();
            }
            for (TopicPartition partition : consumer.assignment()) {
                output.printf("read %d %d %d%n", incarnation, partition.partition(), consumer.position(partition));
            }
        }
        if (!last) {
            admin.deleteTopics(List.of(topic)).all().get();
            awaitDeletion();
            deleted = System.currentTimeMillis();
        }
        output.printf("life %d %d %d %d %d %d%n", incarnation, creating, created, ending, deleting, deleted);
    }

    /** Until no broker has any of it left: a reader of the next incarnation could be shown the old log there. */
    private void awaitDeletion() throws ExecutionException, InterruptedException {
        List<Integer> brokers = admin.describeCluster().nodes().get().stream().map(Node::id).toList();
        while (admin.describeLogDirs(brokers).allDescriptions().get().values().stream()
            .flatMap(folders -> folders.values().stream())
            .flatMap(folder -> folder.replicaInfos().keySet().stream())
            .anyMatch(partition -> partition.topic().equals(topic))) {
            Thread.sleep(20);
        }
    }

    /** Brokers delete a topic a while after they said so. */
    private void create() throws ExecutionException, InterruptedException {
        while (true) {
            try {
                admin.createTopics(List.of(new NewTopic(topic, STEPS[0], (short) 3))).all().get();
                return;
            } catch (ExecutionException error) {
                if (!(error.getCause() instanceof TopicExistsException)) {
                    throw error;
                }
                Thread.sleep(20);
            }
        }
    }

    private int grow(KafkaConsumer<byte[], byte[]> consumer, int from, int to) {
        List<TopicPartition> all = new ArrayList<>(), added = new ArrayList<>();
        for (int partition = 0; partition < to; partition++) {
            all.add(new TopicPartition(topic, partition));
        }
        added.addAll(all.subList(from, to));
        consumer.assign(all);
        consumer.seekToBeginning(added);
        return to;
    }

    private void read(KafkaConsumer<byte[], byte[]> consumer, int incarnation) {
        consumer.poll(Duration.ofMillis(50)).forEach(record -> {
            recordsRead++;
            output.printf("record %d %d %d %s %s%n", incarnation, record.partition(), record.offset(),
                new String(record.key(), StandardCharsets.ISO_8859_1),
                new String(record.value(), StandardCharsets.ISO_8859_1));
        });
    }

    private void readToEnd(KafkaConsumer<byte[], byte[]> consumer, int incarnation) {
        Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
        while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
            read(consumer, incarnation);
        }
    }

    private static void waitForInput() throws IOException {
        if (System.in.read() < 0) {
            throw new IOException("standard input ended");
        }
    }
}
