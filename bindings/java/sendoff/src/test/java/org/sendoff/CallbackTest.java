package org.sendoff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Filter;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Callbacks and futures, and what harm they cannot do. */
class CallbackTest {
    /** What was logged while it was open. */
    private static final class LogLines extends Handler implements AutoCloseable {
        private final Logger logger = Logger.getLogger("org.sendoff");
        private final List<LogRecord> records = Collections.synchronizedList(new ArrayList<>());

        LogLines() {
            logger.setUseParentHandlers(false);
            logger.addHandler(this);
        }

        @Override
        public void publish(LogRecord record) {
            records.add(record);
        }

        @Override
        public void flush() {
        }

        @Override
        public void close() {
            logger.removeHandler(this);
            logger.setUseParentHandlers(true);
        }
    }

    @ParameterizedTest
    @EnumSource
    void anExceptionInACallbackIsLoggedAndHarmsNothingElse(Broker broker) {
        String topic = Broker.freshTopic("throws");
        AtomicInteger delivered = new AtomicInteger();
        try (LogLines lines = new LogLines()) {
            try (Producer producer = broker.producer()) {
                for (int i = 0; i < 100; i++) {
                    int number = i;
                    producer.send(Record.of(topic, "value"), delivery -> {
                        delivered.incrementAndGet();
                        if (number == 10) {
                            throw new IllegalStateException("the callback's own");
                        }
                        if (number == 20) {
                            throw new AssertionError("the callback's own error");
                        }
                    });
                }
            }
            assertEquals(100, delivered.get());
            assertEquals(List.of("the callback's own", "the callback's own error"),
                lines.records.stream().filter(record -> record.getThrown() != null)
                    .map(record -> record.getThrown().getMessage())
                    .filter(text -> text.startsWith("the callback's own")).toList());
        }
    }

    @ParameterizedTest
    @EnumSource
    void aLoggerThatThrowsHarmsNothing(Broker broker) throws Exception {
        String topic = Broker.freshTopic("logger");
        CompletableFuture<Void> logged = new CompletableFuture<>();
        RuntimeException own = new IllegalStateException("the callback's own");
        Logger logger = Logger.getLogger("org.sendoff");
        Filter broken = record -> {
            if (record.getThrown() == own) {
                logged.complete(null);
                throw new IllegalStateException("the logger's own");
            }
            return true;
        };
        logger.setFilter(broken);
        try (Producer producer = broker.producer()) {
            producer.send(Record.of(topic, "value"), delivery -> {
                throw own;
            });
            logged.get(60, TimeUnit.SECONDS);
            assertTrue(producer.send(Record.of(topic, "value")).get(60, TimeUnit.SECONDS).isDelivered());
        } finally {
            logger.setFilter(null);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCallbackThatBlocksForFiveSecondsDoesNotStopTheNetwork(Broker broker) throws Exception {
        String topic = Broker.freshTopic("blocks");
        CountDownLatch blocking = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        AtomicInteger called = new AtomicInteger();
        try (Producer producer = broker.producer()) {
            producer.send(Record.of(topic, "first"), delivery -> {
                blocking.countDown();
                awaitUninterrupted(over);
                called.incrementAndGet();
            });
            assertTrue(blocking.await(60, TimeUnit.SECONDS));
            long begun = System.nanoTime();
            for (int i = 0; i < 10_000; i++) {
                producer.send(Record.of(topic, "value"), delivery -> called.incrementAndGet());
            }
            while (producer.counters().recordsDelivered() < 10_001) {
                assertTrue(System.nanoTime() - begun < Duration.ofSeconds(60).toNanos(), "the network stood still");
                Thread.sleep(10);
            }
            // All are acknowledged, and read back, while no callback has run.
            assertEquals(10_001, ReadBack.count(broker, topic));
            while (System.nanoTime() - begun < Duration.ofSeconds(5).toNanos()) {
                Thread.sleep(10);
            }
            assertEquals(0, called.get());
            over.countDown();
        }
        assertEquals(10_001, called.get());
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException exception) {
            throw new AssertionError(exception);
        }
    }

    @ParameterizedTest
    @EnumSource
    void callbacksRunOnOneThreadThatIsNotTheSenders(Broker broker) {
        String topic = Broker.freshTopic("thread");
        List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
        try (Producer producer = broker.producer("client.id", "named")) {
            for (int i = 0; i < 1000; i++) {
                producer.send(Record.of(topic, "value"), delivery -> threads.add(Thread.currentThread()));
            }
        }
        assertEquals(1000, threads.size());
        assertEquals(1, threads.stream().distinct().count());
        assertNotEquals(Thread.currentThread(), threads.get(0));
        assertEquals("named-deliveries", threads.get(0).getName());
    }

    @ParameterizedTest
    @EnumSource
    void aCallbackMaySend(Broker broker) {
        String topic = Broker.freshTopic("again");
        AtomicInteger delivered = new AtomicInteger();
        try (Producer producer = broker.producer()) {
            CompletableFuture<Void> last = new CompletableFuture<>();
            Callback again = new Callback() {
                @Override
                public void onDelivery(Delivery delivery) {
                    if (delivered.incrementAndGet() == 100) {
                        last.complete(null);
                    } else {
                        producer.send(Record.of(topic, "value"), this);
                    }
                }
            };
            producer.send(Record.of(topic, "value"), again);
            last.orTimeout(60, TimeUnit.SECONDS).join();
        }
        assertEquals(100, ReadBack.count(broker, topic));
    }

    @Test
    void aCallbackThatSendsNeverWaitsForMemory() throws Exception {
        try (Producer producer = Broker.producerToNobody("buffer.memory", 65536, "batch.size", 16384,
            "delivery.timeout.ms", 300, "request.timeout.ms", 100)) {
            CompletableFuture<Throwable> thrown = new CompletableFuture<>();
            producer.send(Record.of("topic", "first"), delivery -> {
                try {
                    while (true) {
                        producer.send(Record.of("topic", new byte[10_000]));
                    }
                } catch (SendoffException exception) {
                    thrown.complete(exception);
                }
            });
            assertEquals(BufferFullException.class, thrown.get(50, TimeUnit.SECONDS).getClass());
        }
    }

    @ParameterizedTest
    @EnumSource
    void flushWaitsForTheCallbacksOfWhatWasSentBefore(Broker broker) {
        String topic = Broker.freshTopic("flush");
        try (Producer producer = broker.producer("linger.ms", 60_000)) {
            for (int round = 1; round <= 20; round++) {
                AtomicInteger delivered = new AtomicInteger();
                for (int i = 0; i < 500; i++) {
                    producer.send(Record.of(topic, "value"), delivery -> delivered.incrementAndGet());
                }
                producer.flush();
                assertEquals(500, delivered.get());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void manyFuturesCompleteUnderLittleMemory(Broker broker) {
        String topic = Broker.freshTopic("little");
        List<CompletableFuture<Delivery>> futures = new ArrayList<>();
        try (Producer producer = broker.producer("buffer.memory", 1_000_000, "batch.size", 50_000, "linger.ms", 1000)) {
            for (int i = 0; i < 50_000; i++) {
                futures.add(producer.send(Record.of(topic, new byte[100])));
            }
            CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new)).orTimeout(60, TimeUnit.SECONDS).join();
        }
        assertTrue(futures.stream().allMatch(future -> future.join().isDelivered()));
        assertEquals(50_000, ReadBack.count(broker, topic));
    }

    @Test
    void cancellingAFutureHarmsNothing() {
        Producer producer = Broker.producerToNobody();
        CompletableFuture<Delivery> future = producer.send(Record.of("topic", "value"));
        assertTrue(future.cancel(true));
        producer.close(Duration.ZERO);
        assertThrows(java.util.concurrent.CancellationException.class, future::join);
    }
}
