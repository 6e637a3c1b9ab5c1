package org.sendoff.programs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.sendoff.Producer;

/** Starves: makes a producer where the JVM has no memory for it, and waits until the library's thread is gone. */
public final class Starves {
    private static final long PATIENCE_NANOSECONDS = 60_000_000_000L;

    private Starves() {
    }

    private static boolean isThere(String thread) throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return tasks.anyMatch(task -> nameOf(task).equals(thread));
        }
    }

    private static String nameOf(Path task) {
        try {
            return Files.readString(task.resolve("comm")).trim();
        } catch (IOException exception) {
            return "ended meanwhile";
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Producer producer = new Producer(Map.of("bootstrap.servers", "127.0.0.1:1", "client.id", "starved"))) {
            throw new IllegalStateException("there was memory for " + producer);
        } catch (OutOfMemoryError error) {
            long begun = System.nanoTime();
            while (isThere("sendoff-starved")) {
                if (System.nanoTime() - begun > PATIENCE_NANOSECONDS) {
                    throw new IllegalStateException("the library's thread is still there", error);
                }
                Thread.sleep(10);
            }
            System.out.println("OutOfMemoryError, no thread is left");
        }
    }
}
