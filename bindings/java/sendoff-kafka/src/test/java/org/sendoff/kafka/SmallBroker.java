package org.sendoff.kafka;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A broker of a test's own, `sendoff broker`, which the test may freeze: it then accepts bytes and answers nothing. */
final class SmallBroker implements AutoCloseable {
    private final Process process;
    private final String bootstrap;

    /** With topics of one partition; it makes no others. */
    SmallBroker(String... topics) throws IOException {
        List<String> command = new ArrayList<>(
            List.of(Brokers.required("SENDOFF_COMMAND"), "broker", "--listen", "127.0.0.1:0"));
        for (String topic : topics) {
            command.addAll(List.of("--topic", topic + ":1"));
        }
        process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        bootstrap = listening();
    }

    private String listening() throws IOException {
        BufferedReader output =
            new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = output.readLine();
        String expected = "listening on ";
        if (line == null || !line.startsWith(expected)) {
            process.destroyForcibly();
            throw new IOException("the broker said: " + line);
        }
        return line.substring(expected.length());
    }

    String bootstrap() {
        return bootstrap;
    }

    /** Returns when all of its threads stand still. */
    void freeze() {
        signal("STOP");
        Brokers.eventually(this::isStopped);
    }

    private boolean isStopped() {
        try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
            return threads.allMatch(SmallBroker::isStopped);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static boolean isStopped(Path thread) {
        try {
            String status = Files.readString(thread.resolve("stat"));
            return status.charAt(status.lastIndexOf(')') + 2) == 'T';
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    void thaw() {
        signal("CONT");
    }

    private void signal(String name) {
        try {
            Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
            if (kill.waitFor() != 0) {
                throw new IllegalStateException("kill -" + name + " failed");
            }
        } catch (IOException failure) {
            throw new IllegalStateException(failure);
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(interrupt);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
