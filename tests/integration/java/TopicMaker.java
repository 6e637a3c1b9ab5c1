import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;

/**
 * TopicMaker BOOTSTRAP PARTITIONS REPLICATION PREFIX TOPICS: makes the topics of a run (cluster/load.h), and ends when
 * each leader has its log. Brokers tell of topics, and of their leaders, before that: with thousands of them minutes.
 */
public final class TopicMaker {
    private static final int AT_ONCE = 500;
    private static final int READY_MS_MAX = 600_000;

    public static void main(String[] arguments) throws ExecutionException, InterruptedException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        int partitions = Integer.parseInt(arguments[1]);
        short replication = Short.parseShort(arguments[2]);
        Map<String, String> configuration = Map.of("min.insync.replicas", String.valueOf(Math.min(2, replication)));
        try (Admin admin = Admin.create(settings)) {
            List<NewTopic> topics = new ArrayList<>();
            Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
            for (int i = 0; i < count(arguments); i++) {
                String name = name(arguments, i);
                topics.add(new NewTopic(name, partitions, replication).configs(configuration));
                for (int partition = 0; partition < partitions; partition++) {
                    ends.put(new TopicPartition(name, partition), OffsetSpec.latest());
                }
            }
            for (int from = 0; from < topics.size(); from += AT_ONCE) {
                admin.createTopics(topics.subList(from, Math.min(from + AT_ONCE, topics.size()))).all().get();
            }
            awaitLogs(admin, ends);
        }
    }

    /** The library asks again where a leader has no log yet, but not where a broker has not heard of a topic. */
    private static void awaitLogs(Admin admin, Map<TopicPartition, OffsetSpec> ends)
        throws ExecutionException, InterruptedException {
        long deadline = System.nanoTime() + READY_MS_MAX * 1_000_000L;
        while (true) {
            try {
                admin.listOffsets(ends, new ListOffsetsOptions().timeoutMs(READY_MS_MAX)).all().get();
                return;
            } catch (ExecutionException error) {
                if (!(error.getCause() instanceof RetriableException) || System.nanoTime() > deadline) {
                    throw error;
                }
                Thread.sleep(100);
            }
        }
    }

    private static int count(String[] arguments) {
        return Integer.parseInt(arguments[4]);
    }

    private static String name(String[] arguments, int index) {
        return count(arguments) == 1 ? arguments[3] : String.format("%s-%05d", arguments[3], index);
    }
}
