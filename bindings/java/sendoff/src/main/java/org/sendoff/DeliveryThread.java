package org.sendoff;

import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.sendoff.internal.NativeEvent;
import org.sendoff.internal.SendoffNative;
import org.sendoff.internal.SendoffNativeJNI;

/**
 * Takes a producer's reports from the library, runs the callbacks, and frees the library's producer at its end. It is
 * the only thread that waits inside the library. A daemon: it holds up no exit, but the shutdown hook waits for it.
 */
final class DeliveryThread implements Runnable {
    private static final int REPORTS_AT_A_TIME = 4096;
    /** How long to wait for reports before looking at log lines and at whether to end. */
    private static final long POLL_MILLISECONDS = 250;
    /** Under load, rare events are looked at after so many polls. */
    private static final int POLLS_BETWEEN_EVENTS = 64;

    /** The layout of sendoff_report. */
    private static final int REPORT_BYTES = 64;
    private static final int OPAQUE = 0;
    private static final int OFFSET = 8;
    private static final int TIMESTAMP = 16;
    private static final int LATENCY = 24;
    private static final int PARTITION = 36;
    private static final int STATUS = 40;
    private static final int ATTEMPTS = 48;
    private static final int OUTCOME = 50;

    private final long handle;
    private final String name;
    private final SlotTable slots;
    private final SlotTable.Released released;
    private final Progress progress;
    private final Thread thread;
    private final ByteBuffer reports =
        ByteBuffer.allocateDirect(REPORTS_AT_A_TIME * REPORT_BYTES).order(ByteOrder.nativeOrder());
    private Runnable atEnd = () -> { };
    private volatile SlotTable.Settlement last;
    private volatile boolean callbacksDropped;
    private volatile Counters countersAtEnd;

    DeliveryThread(long handle, String name, SlotTable slots, Progress progress) {
        this.handle = handle;
        this.name = name;
        this.slots = slots;
        this.released = slots.new Released();
        this.progress = progress;
        thread = new Thread(this, name + "-deliveries");
        thread.setDaemon(true);
    }

    /** What to run when the producer has ended; before start. */
    void onEnd(Runnable action) {
        atEnd = action;
    }

    void start() {
        thread.start();
    }

    boolean isCurrentThread() {
        return Thread.currentThread() == thread;
    }

    boolean hasEnded() {
        return countersAtEnd != null;
    }

    /** Closes the library's producer once this is settled. */
    void endWhenSettled(SlotTable.Settlement settlement) {
        last = settlement;
    }

    /** From now on reports are read without their callbacks. */
    void dropCallbacks() {
        callbacksDropped = true;
    }

    /** Whether the thread is inside of a method just now. */
    boolean isInside(Class<?> owner, String method) {
        return Arrays.stream(thread.getStackTrace())
            .anyMatch(frame -> frame.getClassName().equals(owner.getName()) && frame.getMethodName().equals(method));
    }

    boolean awaitEnd(Deadline deadline) throws InterruptedException {
        progress.enter();
        try {
            while (true) {
                long seen = progress.number();
                if (hasEnded() || deadline.isOver()) {
                    return hasEnded();
                }
                progress.await(seen, deadline.left());
            }
        } finally {
            progress.leave();
        }
    }

    /** Those of this moment, or the last ones. */
    Counters counters() {
        Counters atEnd = countersAtEnd;
        Counters now = atEnd == null ? ClusterCalls.counters(handle) : atEnd;
        return now == null ? countersAtEnd : now;
    }

    @Override
    public void run() {
        try (NativeEvent event = new NativeEvent()) {
            pollUntilClosed(event);
            readEvents(event);
        } finally {
            countersAtEnd = ClusterCalls.counters(handle);
            SendoffNative.destroy(handle);
            atEnd.run();
            progress.announce();
        }
    }

    private void pollUntilClosed(NativeEvent event) {
        long[] count = new long[1];
        int status = SendoffNative.OK;
        for (int polls = 1; status != SendoffNative.CLOSED; polls++) {
            status = SendoffNativeJNI.poll(handle, reports, POLL_MILLISECONDS, count);
            if (status == SendoffNative.OK) {
                // Reading reports has freed memory; only after the callbacks is anything settled.
                progress.announce();
                deliver((int) count[0]);
                progress.announce();
            } else if (status != SendoffNative.TIMED_OUT && status != SendoffNative.INTERRUPTED
                && status != SendoffNative.CLOSED) {
                throw Statuses.refusal(status, name + ": deliveries");
            }
            if (status == SendoffNative.TIMED_OUT) {
                slots.forgetCallbacks();
            }
            if (status != SendoffNative.OK || polls % POLLS_BETWEEN_EVENTS == 0) {
                readEvents(event);
            }
            endIfSettled();
        }
    }

    private void endIfSettled() {
        SlotTable.Settlement settlement = last;
        if (settlement != null && settlement.isSettled()) {
            last = null;
            SendoffNative.close(handle, -1);
        }
    }

    private void deliver(int count) {
        for (int at = 0; at < count * REPORT_BYTES; at += REPORT_BYTES) {
            SlotTable.Slot slot = slots.find(reports.getLong(at + OPAQUE));
            if (slot == null) {
                Log.write(Level.ERROR, name + ": a delivery of no record");
                continue;
            }
            if (!callbacksDropped) {
                call(slot.callback(), slot.topic(), at);
            }
            released.add(slot);
        }
        released.push();
    }

    private void call(Callback callback, String topic, int at) {
        try {
            callback.onDelivery(new Delivery(topic, reports.getInt(at + PARTITION), reports.getInt(at + STATUS),
                reports.getLong(at + OFFSET), reports.getLong(at + TIMESTAMP), reports.getLong(at + LATENCY),
                reports.getChar(at + ATTEMPTS), reports.get(at + OUTCOME)));
        } catch (Throwable thrown) { // whatever it is, other records' callbacks have to run
            Log.write(Level.ERROR, name + ": a callback failed", thrown);
        }
    }

    private void readEvents(NativeEvent event) {
        while (SendoffNative.poll_event(handle, event, 0) == SendoffNative.OK) {
            String text = name + ": " + event.getText();
            int kind = event.getKind();
            if (kind == SendoffNative.EVENT_LOG) {
                Log.write(Log.level(event.getNumber()), text);
            } else if (kind == SendoffNative.EVENT_FATAL) {
                Log.write(Level.ERROR, text);
            } else if (kind == SendoffNative.EVENT_AUTHENTICATION_FAILED) {
                Log.write(Level.ERROR, name + ": broker " + event.getBroker() + " did not let the producer in: "
                    + event.getText() + " (" + Statuses.name(event.getStatus()) + ")");
            } else if (kind == SendoffNative.EVENT_THROTTLED) {
                Log.write(Level.DEBUG, text);
            } else if (kind == SendoffNative.EVENT_LOST) {
                Log.write(Level.WARNING, name + ": " + event.getNumber() + " log lines were lost");
            }
        }
    }
}
