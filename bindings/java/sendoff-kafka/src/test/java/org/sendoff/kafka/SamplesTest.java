package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sample, in a JVM of its own. (bindings/java/run has the README's program.) */
class SamplesTest {
    @TempDir
    Path folder;

    /** Runs a source file by the class path of this test; gives its standard output. */
    private static String run(Path source, String... arguments) throws IOException, InterruptedException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command = new ArrayList<>(List.of(java, "-cp", classPath(), source.toString()));
        command.addAll(List.of(arguments));
        Path output = Files.createTempFile(source.getParent(), "output", ".txt");
        Path errors = Files.createTempFile(source.getParent(), "errors", ".txt");
        Process process =
            new ProcessBuilder(command).redirectOutput(output.toFile()).redirectError(errors.toFile()).start();
        boolean ended = process.waitFor(Brokers.DEADLINE_SECONDS, TimeUnit.SECONDS);
        process.destroyForcibly();
        String said = Files.readString(errors);
        assertTrue(ended, () -> "it does not end: " + said);
        assertEquals(0, process.exitValue(), said);
        return Files.readString(output);
    }

    private static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }

    @Test
    void paymentsAreAuditedAndArrive() throws Exception {
        String topic = Brokers.newTopic();
        Path sample = Files.copy(Path.of("samples", "Payments.java"), folder.resolve("Payments.java"));
        String printed = run(sample, Brokers.KAFKA, topic);

        assertEquals(List.of("auditing payments", "too large for " + topic, "delivered 100, failed 1"),
            printed.lines().toList());
        List<ConsumerRecord<byte[], byte[]>> records = Brokers.read(Brokers.KAFKA, topic, 100);
        assertArrayEquals(new byte[] {'t', 'i', 'l', 'l'}, records.get(0).headers().lastHeader("system").value());
        assertEquals(Long.BYTES, records.get(0).key().length);
    }
}
