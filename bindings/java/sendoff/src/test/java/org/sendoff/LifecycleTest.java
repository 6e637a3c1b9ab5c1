package org.sendoff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sendoff.programs.EveryCall;
import org.sendoff.programs.Forgets;
import org.sendoff.programs.Leaks;
import org.sendoff.programs.Starves;

/** What becomes of producers that nobody closes, each in a JVM of its own. */
class LifecycleTest {
    private static final int COUNT = 1000;

    private static ChildJvm.Ended forget(String bootstrap, String topic, String how) throws Exception {
        return ChildJvm.run(List.of(), Forgets.class, bootstrap, topic, String.valueOf(COUNT), how);
    }

    private static void assertCallbacks(int wanted, ChildJvm.Ended ended) {
        assertEquals(wanted, ended.output().lines().filter(line -> line.startsWith("callback ")).count(),
            ended.output());
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLostWhenMainReturnsWithoutClose(Broker broker) throws Exception {
        String topic = Broker.freshTopic("returns");
        ChildJvm.Ended ended = forget(broker.bootstrap(), topic, "return");
        assertEquals(0, ended.status(), ended.output());
        assertCallbacks(COUNT, ended);
        assertEquals(COUNT, ReadBack.count(broker, topic));
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLostByExitWithoutClose(Broker broker) throws Exception {
        String topic = Broker.freshTopic("exits");
        ChildJvm.Ended ended = forget(broker.bootstrap(), topic, "exit");
        assertEquals(3, ended.status(), ended.output());
        assertCallbacks(COUNT, ended);
        assertEquals(COUNT, ReadBack.count(broker, topic));
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLostByASignal(Broker broker) throws Exception {
        String topic = Broker.freshTopic("signalled");
        ChildJvm.Ended ended = forget(broker.bootstrap(), topic, "signal");
        assertEquals(143, ended.status(), ended.output());
        assertCallbacks(COUNT, ended);
        assertEquals(COUNT, ReadBack.count(broker, topic));
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLostByExitInsideACallback(Broker broker) throws Exception {
        String topic = Broker.freshTopic("exits-inside");
        ChildJvm.Ended ended = forget(broker.bootstrap(), topic, "exit-in-callback");
        assertEquals(3, ended.status(), ended.output());
        assertCallbacks(1, ended);
        assertEquals(COUNT, ReadBack.count(broker, topic));
    }

    @ParameterizedTest
    @EnumSource
    void callbacksAtExitCanBeSwitchedOff(Broker broker) throws Exception {
        String topic = Broker.freshTopic("silent");
        ChildJvm.Ended ended = ChildJvm.run(List.of(), Forgets.class, broker.bootstrap(), topic,
            String.valueOf(COUNT), "exit", "shutdown.callbacks=false");
        assertEquals(3, ended.status(), ended.output());
        assertCallbacks(0, ended);
        assertEquals(COUNT, ReadBack.count(broker, topic));
    }

    @ParameterizedTest
    @EnumSource
    void aHookOfTheProgramsOwnMaySendAndClose(Broker broker) throws Exception {
        String topic = Broker.freshTopic("hooked");
        ChildJvm.Ended ended = forget(broker.bootstrap(), topic, "hook");
        assertEquals(3, ended.status(), ended.output());
        assertCallbacks(COUNT + 1, ended);
        assertEquals(COUNT + 1, ReadBack.count(broker, topic));
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLostThatAHookSendsWithoutClose(Broker broker) throws Exception {
        String topic = Broker.freshTopic("hook-forgets");
        ChildJvm.Ended ended = forget(broker.bootstrap(), topic, "hook-that-forgets");
        assertEquals(3, ended.status(), ended.output());
        assertEquals(COUNT + 1, ReadBack.count(broker, topic));
    }

    @Test
    void aProducerThatCannotStartLeavesNothingBehind() throws Exception {
        ChildJvm.Ended ended = ChildJvm.run(List.of("-XX:MaxDirectMemorySize=64k"), Starves.class);
        assertEquals(0, ended.status(), ended.output());
        assertTrue(ended.output().contains("OutOfMemoryError, no thread is left"), ended.output());
    }

    @Test
    void atExitWhatCannotBeSentIsSaid() throws Exception {
        ChildJvm.Ended ended = ChildJvm.run(List.of(), Forgets.class, "127.0.0.1:1", "topic", "10", "return",
            "shutdown.timeout.ms=200");
        assertEquals(0, ended.status(), ended.output());
        assertTrue(ended.output().contains("sendoff was not closed; 10 records"), ended.output());
        assertCallbacks(10, ended);
    }

    @ParameterizedTest
    @EnumSource
    void aCollectedProducerIsReportedAndItsRecordsAreSent(Broker broker) throws Exception {
        String topic = Broker.freshTopic("leaks");
        ChildJvm.Ended ended =
            ChildJvm.run(List.of(), Leaks.class, broker.bootstrap(), topic, String.valueOf(COUNT));
        assertEquals(0, ended.status(), ended.output());
        assertTrue(ended.output().contains("collected, callbacks: " + 2 * COUNT), ended.output());
        assertTrue(ended.output().contains("was not closed before it became unreachable"), ended.output());
        assertEquals(2 * COUNT, ReadBack.count(broker, topic));
    }

    @ParameterizedTest
    @EnumSource
    void theJvmsOwnCheckFindsNothing(Broker broker) throws Exception {
        ChildJvm.Ended ended = ChildJvm.run(List.of("-Xcheck:jni"), EveryCall.class, broker.bootstrap(),
            Broker.freshTopic("checked"));
        assertEquals(0, ended.status(), ended.output());
        assertTrue(ended.output().contains("8002 delivered"), ended.output());
        for (String word : List.of("WARNING in native", "FATAL ERROR", "JNI call", "Warning:")) {
            assertFalse(ended.output().contains(word), ended.output());
        }
    }

    @Test
    void noCopyOfTheLibraryIsLeftBehind(@TempDir Path folder) throws Exception {
        ChildJvm.Ended ended = ChildJvm.run(List.of("-Djava.io.tmpdir=" + folder), EveryCall.class,
            Broker.EMBEDDED.bootstrap(), Broker.freshTopic("copies"));
        assertEquals(0, ended.status(), ended.output());
        assertEquals(List.of(), files(folder));
    }

    @Test
    void anotherLibraryCanBeNamed() throws Exception {
        ChildJvm.Ended ended = ChildJvm.run(List.of("-Dsendoff.library=no/such/library.so"), EveryCall.class,
            Broker.EMBEDDED.bootstrap(), Broker.freshTopic("other"));
        assertEquals(1, ended.status(), ended.output());
        assertTrue(ended.output().contains("no/such/library.so"), ended.output());
    }

    /** Without what the JVM keeps there for its own tools. */
    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> !name.startsWith("hsperfdata"))
                .toList();
        }
    }
}
