import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/** TopicMaker BOOTSTRAP PARTITIONS REPLICATION PREFIX TOPICS: makes the topics of a run (cluster/load.h). */
public final class TopicMaker {
    private static final int AT_ONCE = 500;

    public static void main(String[] arguments) throws ExecutionException, InterruptedException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        int partitions = Integer.parseInt(arguments[1]);
        short replication = Short.parseShort(arguments[2]);
        Map<String, String> configuration = Map.of("min.insync.replicas", String.valueOf(Math.min(2, replication)));
        try (Admin admin = Admin.create(settings)) {
            List<NewTopic> topics = new ArrayList<>();
            for (int i = 0; i < count(arguments); i++) {
                topics.add(new NewTopic(name(arguments, i), partitions, replication).configs(configuration));
            }
            for (int from = 0; from < topics.size(); from += AT_ONCE) {
                admin.createTopics(topics.subList(from, Math.min(from + AT_ONCE, topics.size()))).all().get();
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
