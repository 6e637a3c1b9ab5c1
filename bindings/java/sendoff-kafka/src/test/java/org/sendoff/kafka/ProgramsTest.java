package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's program and the sample, each in a JVM of its own. */
class ProgramsTest {
    private static final Pattern PROGRAM = Pattern.compile("```java\n(.*?class Switched .*?)```", Pattern.DOTALL);
    private static final int RECORDS = 1000;

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

    private Path programOfReadme() throws IOException {
        Matcher matcher = PROGRAM.matcher(Files.readString(Path.of("README.md")));
        assertTrue(matcher.find(), "the README has no program");
        return Files.writeString(folder.resolve("Switched.java"), matcher.group(1));
    }

    /** The topic that the program names is its own within this broker. */
    private static void assertAllArrived(SmallBroker broker) {
        List<ConsumerRecord<byte[], byte[]>> records = Brokers.read(broker.bootstrap(), "switched", RECORDS);
        for (ConsumerRecord<byte[], byte[]> record : records) {
            String key = new String(record.key(), StandardCharsets.UTF_8);
            assertEquals(key.replace("key", "value"), new String(record.value(), StandardCharsets.UTF_8));
        }
    }

    @Test
    void theReadmesProgramRunsAsWritten() throws Exception {
        try (SmallBroker broker = new SmallBroker("switched")) {
            assertEquals("", run(programOfReadme(), broker.bootstrap()));
            assertAllArrived(broker);
        }
    }

    @Test
    void theReadmesProgramLosesNothingWithoutItsClose() throws Exception {
        Path program = programOfReadme();
        String whole = Files.readString(program);
        String without = whole.replace("        producer.close();\n", "");
        assertNotEquals(whole, without);
        Files.writeString(program, without);
        try (SmallBroker broker = new SmallBroker("switched")) {
            run(program, broker.bootstrap());
            assertAllArrived(broker);
        }
    }

    @Test
    void theSampleRuns() throws Exception {
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
