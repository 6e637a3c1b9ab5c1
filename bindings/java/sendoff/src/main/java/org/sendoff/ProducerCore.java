package org.sendoff;

import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.sendoff.internal.SendoffNative;
import org.sendoff.internal.SendoffNativeJNI;

/**
 * A producer without the object that the program holds, so that its thread does not keep that one alive.
 *
 * <p>Until a producer ends, no call into the library but the delivery thread's poll waits for anything: waits are on
 * {@link Progress}, where they can be interrupted and do not pin virtual threads. The library's handle is a number that
 * it refuses once it is stale, so calls need no lock against the end.
 */
final class ProducerCore {
    /** How long a wait goes on without progress before what others sent meanwhile is kept from lingering, too. */
    private static final long CUT_AGAIN_NANOSECONDS = TimeUnit.MILLISECONDS.toNanos(100);
    /** How long after its time an end waits for the last callbacks of records that it gave up. */
    static final long LAST_CALLBACKS_NANOSECONDS = TimeUnit.SECONDS.toNanos(1);
    private static final Callback NO_CALLBACK = delivery -> { };

    /** A topic and the library's number of it. */
    private record Topic(String name, int id) {
    }

    private final long handle;
    private final Map<String, String> settings;
    private final long maxBlockNanoseconds;
    private final SlotTable slots = new SlotTable();
    private final Progress progress = new Progress();
    private final Map<String, Topic> topics = new ConcurrentHashMap<>();
    private final DeliveryThread deliveries;
    /** Null where no tokens are needed. */
    private final TokenThread tokens;
    /** The topic sent to last; any thread's. */
    private Topic lastTopic = new Topic("", -1);
    private volatile boolean closing;

    private ProducerCore(Settings.Opened opened, TokenProvider provider) {
        handle = opened.handle();
        settings = opened.settings();
        maxBlockNanoseconds = nanoseconds("max.block.ms");
        deliveries = new DeliveryThread(handle, name(), slots, progress);
        tokens = TokenThread.of(handle, name(), provider);
    }

    static ProducerCore start(Settings settings, TokenProvider provider) {
        Settings.Opened opened = settings.open();
        try {
            ProducerCore core = new ProducerCore(opened, provider);
            core.deliveries.onEnd(core::ended);
            if (core.tokens != null) {
                core.tokens.start();
            }
            core.deliveries.start();
            ShutdownHook.add(core);
            return core;
        } catch (Throwable thrown) { // such as no memory for one more thread
            SendoffNative.destroy(opened.handle());
            throw thrown;
        }
    }

    private void ended() {
        ShutdownHook.remove(this);
        if (tokens != null) {
            tokens.end();
        }
    }

    Map<String, String> settings() {
        return settings;
    }

    String name() {
        return settings.getOrDefault("client.id", "sendoff");
    }

    /** A setting of milliseconds. */
    private long nanoseconds(String setting) {
        double milliseconds = Double.parseDouble(settings.get(setting));
        return (long) Math.min(milliseconds * TimeUnit.MILLISECONDS.toNanos(1), Long.MAX_VALUE);
    }

    // ---- Sending

    void send(String topicName, int partition, long timestamp, byte[] key, byte[] value, List<Header> headers,
              Callback callback) {
        Topic topic = topic(topicName);
        byte[] packed = headers.isEmpty() ? null : packed(headers);
        int set = (partition == Producer.ANY_PARTITION ? 0 : SendoffNative.SET_PARTITION)
            | (timestamp == Producer.NOW ? 0 : SendoffNative.SET_TIMESTAMP);
        Callback called = callback == null ? NO_CALLBACK : callback;
        int status = trySend(topic, set, partition, timestamp, key, value, packed, called);
        if (Statuses.isFull(status) && !deliveries.isCurrentThread()) {
            status = sendWhenThereIsRoom(topic, set, partition, timestamp, key, value, packed, called);
        }
        if (status != SendoffNative.OK) {
            throw Statuses.refusal(status, "record for " + topicName + (partition < 0 ? "" : "-" + partition));
        }
    }

    private int trySend(Topic topic, int set, int partition, long timestamp, byte[] key, byte[] value, byte[] headers,
                        Callback callback) {
        if (closing) {
            return SendoffNative.CLOSED;
        }
        SlotTable.Slot slot = slots.claim(topic.name(), callback);
        int status = SendoffNativeJNI.sendRecord(handle, topic.id(), set, partition, timestamp, key, value, headers,
            slot.number());
        if (status != SendoffNative.OK) {
            slots.release(slot);
        }
        return status;
    }

    /** Tries again whenever reports were read, which is what frees memory, for up to max.block.ms. */
    private int sendWhenThereIsRoom(Topic topic, int set, int partition, long timestamp, byte[] key, byte[] value,
                                    byte[] headers, Callback callback) {
        Deadline deadline = Deadline.inNanoseconds(maxBlockNanoseconds);
        Deadline cut = Deadline.inNanoseconds(0);
        progress.enter();
        try {
            while (true) {
                long seen = progress.number();
                int status = trySend(topic, set, partition, timestamp, key, value, headers, callback);
                if (!Statuses.isFull(status) || deadline.isOver()) {
                    return status;
                }
                if (cut.isOver()) {
                    SendoffNative.flush(handle, 0);
                    cut = Deadline.inNanoseconds(CUT_AGAIN_NANOSECONDS);
                }
                progress.await(seen, Math.min(deadline.left(), CUT_AGAIN_NANOSECONDS));
            }
        } catch (InterruptedException exception) {
            throw InterruptException.of("memory", Outcome.NOT_DELIVERED, exception);
        } finally {
            progress.leave();
        }
    }

    private Topic topic(String name) {
        Topic last = lastTopic;
        if (last.name().equals(name)) {
            return last;
        }
        Topic topic = topics.get(name);
        if (topic == null) {
            topic = newTopic(name);
        }
        lastTopic = topic;
        return topic;
    }

    private Topic newTopic(String name) {
        int[] id = new int[1];
        int status = SendoffNative.topic(handle, name, id);
        if (status != SendoffNative.OK) {
            throw Statuses.refusal(status, "topic '" + name + "'");
        }
        Topic topic = new Topic(name, id[0]);
        topics.put(name, topic);
        return topic;
    }

    /** Headers as the library takes them: sizes as int32 in the processor's order, -1 for null, then the bytes. */
    private static byte[] packed(List<Header> headers) {
        byte[][] names = new byte[headers.size()][];
        int size = 0;
        for (int i = 0; i < names.length; i++) {
            names[i] = headers.get(i).name().getBytes(StandardCharsets.UTF_8);
            byte[] value = headers.get(i).value();
            size = Math.addExact(size, 2 * Integer.BYTES + names[i].length + (value == null ? 0 : value.length));
        }
        ByteBuffer packed = ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
        for (int i = 0; i < names.length; i++) {
            byte[] value = headers.get(i).value();
            packed.putInt(names[i].length).put(names[i]).putInt(value == null ? -1 : value.length);
            if (value != null) {
                packed.put(value);
            }
        }
        return packed.array();
    }

    // ---- Flushing and closing

    void flush(Duration timeout) {
        if (deliveries.hasEnded()) {
            throw Statuses.refusal(SendoffNative.CLOSED, "flush");
        }
        Deadline deadline = Deadline.in(timeout);
        if (deliveries.isCurrentThread()) {
            SendoffNative.flush(handle, 0);
            return;
        }
        try {
            if (!awaitSettled(deadline)) {
                throw Statuses.exception(SendoffNative.TIMED_OUT, Outcome.UNKNOWN, "flush");
            }
        } catch (InterruptedException exception) {
            throw InterruptException.of("a flush", Outcome.UNKNOWN, exception);
        }
    }

    /** Waits until the callbacks of all records accepted before have run; false if the time was over before. */
    private boolean awaitSettled(Deadline deadline) throws InterruptedException {
        SlotTable.Settlement settlement = slots.settlement();
        progress.enter();
        try {
            while (true) {
                long seen = progress.number();
                if (settlement.isSettled()) {
                    return true;
                }
                SendoffNative.flush(handle, 0);
                if (deadline.isOver() || deliveries.hasEnded()) {
                    return settlement.isSettled();
                }
                awaitProgress(settlement, seen, deadline);
            }
        } finally {
            progress.leave();
        }
    }

    /** Until it is settled, or long enough that what was sent while the flush began may still linger. */
    private void awaitProgress(SlotTable.Settlement settlement, long seen, Deadline deadline)
        throws InterruptedException {
        Deadline slice = Deadline.inNanoseconds(Math.min(deadline.left(), CUT_AGAIN_NANOSECONDS));
        long number = seen;
        while (!slice.isOver() && !settlement.isSettled()) {
            progress.await(number, slice.left());
            number = progress.number();
        }
    }

    boolean close(Deadline deadline) {
        closing = true;
        if (deliveries.isCurrentThread()) {
            return closeFromCallback(deadline);
        }
        try {
            boolean settled = awaitSettled(deadline);
            // What a send that raced with this close got accepted, it waits for, too.
            settled &= SendoffNative.close(handle, deadline.leftMilliseconds()) != SendoffNative.TIMED_OUT;
            return deliveries.awaitEnd(deadline.plus(LAST_CALLBACKS_NANOSECONDS)) && settled;
        } catch (InterruptedException exception) {
            deliveries.endWhenSettled(slots.settlement());
            throw InterruptException.of("a close", Outcome.UNKNOWN, exception);
        }
    }

    private boolean closeFromCallback(Deadline deadline) {
        if (!deadline.isOver()) {
            Log.write(Level.WARNING, name() + ": close was called from a callback: it acts as with timeout 0");
        }
        return SendoffNative.close(handle, 0) == SendoffNative.OK;
    }

    /** The program's object became unreachable. Does not wait. */
    void leaked() {
        if (closing) {
            return;
        }
        Log.write(Level.WARNING, name() + ": a producer was not closed before it became unreachable; what it accepted "
            + "is sent, then it is closed. Close it, best with try-with-resources");
        closing = true;
        SendoffNative.flush(handle, 0);
        deliveries.endWhenSettled(slots.settlement());
    }

    // ---- When the JVM ends

    long shutdownNanoseconds() {
        return nanoseconds("shutdown.timeout.ms");
    }

    /** Lets no record linger. Further ones are not refused: the program's own hooks may send and close meanwhile. */
    void beginShutdown() {
        if (!Boolean.parseBoolean(settings.get("shutdown.callbacks"))) {
            deliveries.dropCallbacks();
        }
        SendoffNative.flush(handle, 0);
    }

    /**
     * Waits for what was accepted; gives up what is left when the time is over, and returns how many records that
     * were. What is accepted later, the library sends when the process ends, after all hooks.
     */
    long awaitShutdown(Deadline deadline) {
        if (SendoffNative.flush(handle, deadline.leftMilliseconds()) != SendoffNative.TIMED_OUT || closing) {
            return 0;
        }
        closing = true;
        long before = failed(counters());
        SendoffNative.close(handle, 0);
        return failed(counters()) - before;
    }

    private static long failed(Counters counters) {
        return counters.recordsNotDelivered() + counters.recordsUnknown();
    }

    /** Waits for the callbacks, unless it is one of them that ends the JVM. */
    void awaitCallbacks(Deadline deadline) throws InterruptedException {
        if (!deliveries.isInside(Runtime.class, "exit")) {
            awaitSettled(deadline);
        }
    }

    void reloadCredentials(Settings settings) {
        Settings.reload(handle, settings);
    }

    // ---- Asking

    void connect(Duration timeout) {
        ClusterCalls.connect(handle, Deadline.in(timeout));
    }

    List<PartitionInfo> partitionsFor(String topic, Duration timeout) {
        return ClusterCalls.partitionsFor(handle, topic, Deadline.in(timeout));
    }

    Counters counters() {
        return deliveries.counters();
    }
}
