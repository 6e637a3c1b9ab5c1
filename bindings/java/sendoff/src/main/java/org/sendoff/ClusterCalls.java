package org.sendoff;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.sendoff.internal.NativeCounters;
import org.sendoff.internal.NativePartition;
import org.sendoff.internal.SendoffNative;
import org.sendoff.internal.Utf8;

/**
 * What is asked of the library and of the cluster. Calls that wait are made in slices, between which the thread can be
 * interrupted.
 */
final class ClusterCalls {
    private static final long SLICE_MILLISECONDS = 50;
    private static final int ERROR_BYTES = 1024;

    private ClusterCalls() {
    }

    /** A call that waits for so many milliseconds and gives a status. */
    private interface Waiting {
        int call(long milliseconds);
    }

    /** The status of a call that is made again until its time is over. */
    private static int inSlices(Deadline deadline, String wait, Waiting waiting) {
        while (true) {
            long left = deadline.leftMilliseconds();
            int status = waiting.call(left < 0 ? SLICE_MILLISECONDS : Math.min(left, SLICE_MILLISECONDS));
            boolean isAnswered = status != SendoffNative.TIMED_OUT && status != SendoffNative.INTERRUPTED;
            if (isAnswered || deadline.isOver()) {
                return status;
            }
            // Only where the wait would go on: an answer is the caller's, with the memory that it may hold.
            if (Thread.interrupted()) {
                throw InterruptException.of(wait, Outcome.NOT_DELIVERED, new InterruptedException());
            }
        }
    }

    static void connect(long handle, Deadline deadline) {
        byte[] error = new byte[ERROR_BYTES];
        int status = inSlices(deadline, "a broker", slice -> SendoffNative.connect(handle, slice, error));
        if (status != SendoffNative.OK) {
            String reason = Utf8.textIn(error);
            throw Statuses.refusal(status, reason.isEmpty() ? "connect" : "connect: " + reason);
        }
    }

    static List<PartitionInfo> partitionsFor(long handle, String topic, Deadline deadline) {
        Objects.requireNonNull(topic, "the topic is null");
        long[] partitions = new long[1];
        int status = inSlices(deadline, "the partitions of " + topic,
            slice -> SendoffNative.partitions_for(handle, topic, slice, partitions));
        if (status != SendoffNative.OK) {
            throw Statuses.refusal(status, "the partitions of " + topic);
        }
        try {
            return read(topic, partitions[0]);
        } finally {
            SendoffNative.partitions_destroy(partitions[0]);
        }
    }

    private static List<PartitionInfo> read(String topic, long partitions) {
        int[] count = new int[1];
        check(SendoffNative.partitions_count(partitions, count), topic);
        List<PartitionInfo> read = new ArrayList<>(count[0]);
        try (NativePartition partition = new NativePartition()) {
            for (int index = 0; index < count[0]; index++) {
                check(SendoffNative.partitions_get(partitions, index, partition), topic);
                read.add(new PartitionInfo(topic, partition.getPartition(), partition.getLeader(),
                    partition.getLeader_epoch(),
                    nodes(partitions, index, SendoffNative.NODES_REPLICAS, partition.getReplica_count()),
                    nodes(partitions, index, SendoffNative.NODES_IN_SYNC, partition.getIn_sync_count()),
                    nodes(partitions, index, SendoffNative.NODES_OFFLINE, partition.getOffline_count()),
                    partition.getStatus()));
            }
        }
        return List.copyOf(read);
    }

    private static List<Integer> nodes(long partitions, int index, int kind, int count) {
        int[] nodes = new int[count];
        check(SendoffNative.partitions_nodes(partitions, index, kind, nodes, new int[1]), "nodes");
        return IntStream.of(nodes).boxed().toList();
    }

    private static void check(int status, String topic) {
        if (status != SendoffNative.OK) {
            throw Statuses.refusal(status, "the partitions of " + topic);
        }
    }

    /** The counters, or null if the library's producer is gone. */
    static Counters counters(long handle) {
        try (NativeCounters now = new NativeCounters()) {
            if (SendoffNative.get_counters(handle, now) != SendoffNative.OK) {
                return null;
            }
            return new Counters(now.getRecords_accepted(), now.getRecords_delivered(),
                now.getRecords_not_delivered(), now.getRecords_unknown(), now.getRecords_unacknowledged(),
                now.getBytes_accepted(), now.getBatches_sent(), now.getBatches_retried(), now.getBatches_split(),
                now.getBatch_bytes_sent(), now.getBatch_bytes_uncompressed(), now.getOut_of_order_answers(),
                now.getOutcomes_resolved(), now.getEpochs_raised(), now.getRequests_sent(),
                now.getResponses_received(), now.getConnections_opened(), now.getConnections_failed(),
                now.getConnections_lost(), now.getThrottled_ms(), now.getRecords_pending(),
                now.getReports_unread(), now.getRequests_in_flight(), now.getBuffer_bytes_used(),
                now.getBuffer_bytes_total(), now.getBuffer_bytes_staged());
        }
    }
}
