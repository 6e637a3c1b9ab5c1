package org.sendoff;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs a program of the package programs in a JVM of its own. */
final class ChildJvm {
    private static final long PATIENCE_SECONDS = 120;

    /** How it ended, and what it wrote to both outputs. */
    record Ended(int status, String output) {
    }

    private ChildJvm() {
    }

    /** The options are the JVM's. */
    static Ended run(List<String> options, Class<?> program, String... arguments) throws Exception {
        Process process = start(options, program, arguments);
        CompletableFuture<String> output = CompletableFuture.supplyAsync(() -> read(process));
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(program.getSimpleName() + " did not end: " + output.join());
        }
        return new Ended(process.exitValue(), output.join());
    }

    private static Process start(List<String> options, Class<?> program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path").replace(";", File.pathSeparator)));
        command.add(program.getName());
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private static String read(Process process) {
        try {
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException exception) {
            return exception.toString();
        }
    }
}
