package org.sendoff;

import java.util.List;

/**
 * A partition as the cluster last described it.
 *
 * @param topic the topic's name
 * @param partition the partition
 * @param leader the node id of its leader, -1 if it has none
 * @param leaderEpoch the leader's epoch, -1 if it was not told
 * @param replicas the node ids of all replicas
 * @param inSyncReplicas the node ids of those in sync
 * @param offlineReplicas the node ids of those offline
 * @param code 0, or Kafka's error code for this partition
 */
public record PartitionInfo(String topic, int partition, int leader, int leaderEpoch, List<Integer> replicas,
                            List<Integer> inSyncReplicas, List<Integer> offlineReplicas, int code) {
    /**
     * Makes a description; the lists are copied.
     *
     * @param topic the topic's name
     * @param partition the partition
     * @param leader the node id of its leader, -1 if it has none
     * @param leaderEpoch the leader's epoch, -1 if it was not told
     * @param replicas the node ids of all replicas
     * @param inSyncReplicas the node ids of those in sync
     * @param offlineReplicas the node ids of those offline
     * @param code 0, or Kafka's error code for this partition
     */
    public PartitionInfo {
        replicas = List.copyOf(replicas);
        inSyncReplicas = List.copyOf(inSyncReplicas);
        offlineReplicas = List.copyOf(offlineReplicas);
    }
}
