import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;

/**
 * LeaderMover BOOTSTRAP TOPICS CHANGES INTERVAL_MS SEED: so often, gives some partitions of each topic (names with
 * commas) another leader: puts their replicas into another order and has the first elected. Prints after each change
 * how many leaders were another one than before it.
 */
public final class LeaderMover {
    private static final int SHARE = 4;  // a quarter of the partitions each time
    private final Admin admin;
    private final List<String> topics;
    private final Random random;

    private LeaderMover(Admin admin, List<String> topics, long seed) {
        this.admin = admin;
        this.topics = topics;
        this.random = new Random(seed);
    }

    public static void main(String[] arguments) throws ExecutionException, InterruptedException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        int changes = Integer.parseInt(arguments[2]);
        long interval = Long.parseLong(arguments[3]);
        try (Admin admin = Admin.create(settings)) {
            LeaderMover mover =
                new LeaderMover(admin, List.of(arguments[1].split(",")), Long.parseLong(arguments[4]));
            long due = System.nanoTime();
            for (int change = 0; change < changes; change++) {
                System.out.println(mover.change());
                due = Math.max(due + interval * 1_000_000, System.nanoTime());
                Thread.sleep(Math.max(0, (due - System.nanoTime()) / 1_000_000));
            }
        }
    }

    private Map<TopicPartition, TopicPartitionInfo> describe() throws ExecutionException, InterruptedException {
        Map<TopicPartition, TopicPartitionInfo> found = new HashMap<>();
        admin.describeTopics(topics).allTopicNames().get().forEach((topic, description) ->
            description.partitions().forEach(info -> found.put(new TopicPartition(topic, info.partition()), info)));
        return found;
    }

    private int change() throws ExecutionException, InterruptedException {
        Map<TopicPartition, TopicPartitionInfo> before = describe();
        Map<TopicPartition, Optional<NewPartitionReassignment>> orders = new HashMap<>();
        before.forEach((partition, info) -> {
            List<Integer> replicas = new ArrayList<>(info.replicas().stream().map(Node::id).toList());
            if (random.nextInt(SHARE) == 0 && info.leader() != null) {
                Collections.shuffle(replicas, random);
                Collections.swap(replicas, 0, replicas.get(0) == info.leader().id() ? 1 : 0);
                orders.put(partition, Optional.of(new NewPartitionReassignment(replicas)));
            }
        });
        if (orders.isEmpty()) {
            return 0;
        }
        admin.alterPartitionReassignments(orders).all().get();
        Set<TopicPartition> moved = new HashSet<>(orders.keySet());
        // A replica that is not in sync is not elected; the count below says what happened.
        admin.electLeaders(ElectionType.PREFERRED, moved).partitions().get();
        Map<TopicPartition, TopicPartitionInfo> after = describe();
        return (int) moved.stream().filter(partition -> leader(after, partition) != leader(before, partition)).count();
    }

    private static int leader(Map<TopicPartition, TopicPartitionInfo> state, TopicPartition partition) {
        Node leader = state.get(partition).leader();
        return leader == null ? -1 : leader.id();
    }
}
