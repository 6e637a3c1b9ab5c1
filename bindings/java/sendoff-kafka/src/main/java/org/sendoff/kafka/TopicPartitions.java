package org.sendoff.kafka;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.TimeoutException;
import org.sendoff.Producer;
import org.sendoff.SendoffException;

/** Kafka's view of topics, made from Sendoff's: for {@code partitionsFor}, and for partitioners. */
final class TopicPartitions {
    /** A partitioner sees what is at most so old, as it also takes a while until brokers tell of a new leader. */
    static final Duration FRESH = Duration.ofSeconds(1);

    private record Seen(Cluster cluster, long nanoTime) {
    }

    private final Producer producer;
    private final Duration maxBlock;
    private final Map<String, Seen> seen = new ConcurrentHashMap<>();

    TopicPartitions(Producer producer, Duration maxBlock) {
        this.producer = producer;
        this.maxBlock = maxBlock;
    }

    /** Waits for the cluster to show the topic, at most {@code max.block.ms}. */
    List<PartitionInfo> of(String topic) {
        return of(topic, maxBlock);
    }

    private List<PartitionInfo> of(String topic, Duration timeout) {
        try {
            return producer.partitionsFor(topic, timeout).stream().map(TopicPartitions::kafkas).toList();
        } catch (org.sendoff.TimeoutException failure) {
            throw new TimeoutException(
                "Topic " + topic + " not present in metadata after " + timeout.toMillis() + " ms.", failure);
        } catch (SendoffException failure) {
            throw Failures.isClosed(failure)
                ? new KafkaException("Requested metadata update after close", failure)
                : Failures.ofMissingTopic(failure);
        }
    }

    /** A cluster that shows this topic. Waits as {@link #of} does, but only for a topic that was not seen before. */
    Cluster cluster(String topic) {
        Seen last = seen.get(topic);
        if (last == null) {
            last = new Seen(cluster(of(topic)), System.nanoTime());
            seen.put(topic, last);
        } else if (System.nanoTime() - last.nanoTime() > FRESH.toNanos()) {
            last = new Seen(newer(topic, last.cluster()), System.nanoTime());
            seen.put(topic, last);
        }
        return last.cluster();
    }

    /** What the library knows by now; while it knows nothing, what was known before. */
    private Cluster newer(String topic, Cluster known) {
        try {
            return cluster(of(topic, Duration.ZERO));
        } catch (ApiException unknown) {
            return known;
        }
    }

    private static Cluster cluster(List<PartitionInfo> partitions) {
        Map<Integer, Node> nodes = new TreeMap<>();
        for (PartitionInfo partition : partitions) {
            for (Node replica : partition.replicas()) {
                nodes.put(replica.id(), replica);
            }
        }
        return new Cluster(null, new ArrayList<>(nodes.values()), partitions, Set.of(), Set.of());
    }

    private static PartitionInfo kafkas(org.sendoff.PartitionInfo partition) {
        Node leader = partition.leader() < 0 ? null : node(partition.leader());
        return new PartitionInfo(partition.topic(), partition.partition(), leader, nodes(partition.replicas()),
            nodes(partition.inSyncReplicas()), nodes(partition.offlineReplicas()));
    }

    private static Node[] nodes(List<Integer> ids) {
        return ids.stream().map(TopicPartitions::node).toArray(Node[]::new);
    }

    /** Sendoff tells the numbers of nodes, not where they are. */
    private static Node node(int id) {
        return new Node(id, "", -1);
    }
}
