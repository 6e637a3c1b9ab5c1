package org.sendoff;

import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Sends what producers that were not closed have accepted, when the JVM ends. All have one deadline, of the longest
 * shutdown.timeout.ms.
 */
final class ShutdownHook {
    private static final Set<ProducerCore> OPEN = ConcurrentHashMap.newKeySet();

    static {
        try {
            Runtime.getRuntime().addShutdownHook(new Thread(ShutdownHook::run, "sendoff-shutdown"));
        } catch (IllegalStateException exception) {
            Log.write(Level.DEBUG, "the JVM is ending already: producers made now have to be closed");
        }
    }

    private ShutdownHook() {
    }

    static void add(ProducerCore core) {
        OPEN.add(core);
    }

    static void remove(ProducerCore core) {
        OPEN.remove(core);
    }

    private static void run() {
        long longest = OPEN.stream().mapToLong(ProducerCore::shutdownNanoseconds).max().orElse(0);
        Deadline deadline = Deadline.inNanoseconds(longest);
        OPEN.forEach(ProducerCore::beginShutdown);
        for (ProducerCore core : OPEN) {
            long missing = core.awaitShutdown(deadline);
            if (missing > 0) {
                // Loggers may have ended by now.
                System.err.println("sendoff: " + core.name() + " was not closed; " + missing
                    + " records were still on their way when the time at exit was over");
            }
        }
        Deadline callbacks = deadline.plus(ProducerCore.LAST_CALLBACKS_NANOSECONDS);
        try {
            for (ProducerCore core : OPEN) {
                core.awaitCallbacks(callbacks);
            }
        } catch (InterruptedException exception) {
            Thread.currentThread().interrupt();
        }
    }
}
