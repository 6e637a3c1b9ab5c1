package org.sendoff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sendoff.programs.Millions;

/** The process's memory does not grow with the number of records. */
class MemoryTest {
    private static final int SPREAD_MEGABYTES = 24;

    @Test
    void memoryIsSteadyOverFiveMillionRecords() throws Exception {
        // The heap is touched at once, so that what grows is what the library or the package kept.
        ChildJvm.Ended ended = ChildJvm.run(List.of("-Xms128m", "-Xmx128m", "-XX:+AlwaysPreTouch"), Millions.class,
            Broker.EMBEDDED.bootstrap(), Broker.freshTopic("millions"), "5");
        assertEquals(0, ended.status(), ended.output());
        List<String> lines = ended.output().lines().toList();
        assertTrue(lines.get(4).startsWith("5000000 delivered"), ended.output());
        long growth = megabytes(lines.get(4)) - megabytes(lines.get(0));
        assertTrue(growth <= SPREAD_MEGABYTES, "grew by " + growth + " MB: " + lines);
    }

    private static long megabytes(String line) {
        return Long.parseLong(line.replaceAll(".*, (\\d+) MB", "$1"));
    }
}
