package org.sendoff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** However a producer is closed, what it accepted has its outcome. */
class CloseTest {
    @ParameterizedTest
    @EnumSource
    void closingTwiceIsHarmless(Broker broker) {
        Producer producer = broker.producer();
        CompletableFuture<Delivery> future = producer.send(Record.of(Broker.freshTopic("twice"), "value"));
        producer.close();
        assertTrue(future.join().isDelivered());
        producer.close();
        assertTrue(producer.close(Duration.ZERO));
    }

    @ParameterizedTest
    @EnumSource
    void afterCloseCallsAreRefused(Broker broker) {
        String topic = Broker.freshTopic("after");
        Producer producer = broker.producer();
        producer.close();
        Record record = Record.of(topic, "value");
        assertEquals("CLOSED", assertThrows(ClosedException.class, () -> producer.send(record)).codeName());
        assertThrows(ClosedException.class, () -> producer.send(record, delivery -> { }));
        assertThrows(ClosedException.class, producer::flush);
        assertThrows(ClosedException.class, () -> producer.connect(Duration.ofSeconds(1)));
        assertThrows(ClosedException.class, () -> producer.partitionsFor(topic, Duration.ofSeconds(1)));
    }

    @ParameterizedTest
    @EnumSource
    void leavingTheBlockByExceptionCloses(Broker broker) {
        String topic = Broker.freshTopic("exception");
        List<Delivery> deliveries = new ArrayList<>();
        assertThrows(IllegalStateException.class, () -> {
            try (Producer producer = broker.producer("linger.ms", 60_000)) {
                for (int i = 0; i < 100; i++) {
                    producer.send(Record.of(topic, "value"), deliveries::add);
                }
                throw new IllegalStateException("the program's own");
            }
        });
        assertEquals(100, deliveries.size());
        assertEquals(100, ReadBack.count(broker, topic));
    }

    @ParameterizedTest
    @EnumSource
    void closingInsideACallbackDoesNotWaitForItself(Broker broker) throws Exception {
        String topic = Broker.freshTopic("inside");
        Producer producer = broker.producer();
        CountDownLatch closed = new CountDownLatch(1);
        AtomicReference<Delivery> second = new AtomicReference<>();
        producer.send(Record.of(topic, "value"), delivery -> {
            producer.send(Record.of(topic, "another"), second::set);
            producer.close();
            closed.countDown();
        });
        producer.flush(Duration.ZERO.plusSeconds(60));
        assertTrue(closed.await(60, TimeUnit.SECONDS));
        producer.close();
        assertThrows(ClosedException.class, () -> producer.send(Record.of(topic, "value")));
        // Given up at once, as close(0) does, or delivered just before.
        assertTrue(second.get().isDelivered() || second.get().exception() != null);
    }

    @ParameterizedTest
    @EnumSource
    void flushingInsideACallbackDoesNotWaitForItself(Broker broker) throws Exception {
        String topic = Broker.freshTopic("inside");
        try (Producer producer = broker.producer("linger.ms", 60_000)) {
            CompletableFuture<Delivery> second = new CompletableFuture<>();
            producer.send(Record.of(topic, "value"), delivery -> {
                producer.send(Record.of(topic, "another"), second::complete);
                producer.flush();
            });
            producer.flush();
            assertTrue(second.get(60, TimeUnit.SECONDS).isDelivered());
        }
    }

    @Test
    void closeGivesUpWhenItsTimeIsOver() {
        Producer producer = Broker.producerToNobody();
        List<Delivery> deliveries = new ArrayList<>();
        producer.send(Record.of("topic", "value"), deliveries::add);
        assertFalse(producer.close(Duration.ofMillis(100)));
        assertEquals(1, deliveries.size());
        assertEquals(Outcome.NOT_DELIVERED, deliveries.get(0).outcome());
        assertEquals("ABORTED", deliveries.get(0).exception().codeName());
    }

    @Test
    void aFutureOfWhatWasGivenUpFails() {
        Producer producer = Broker.producerToNobody();
        CompletableFuture<Delivery> future = producer.send(Record.of("topic", "value"));
        producer.close(Duration.ZERO);
        assertTrue(future.isCompletedExceptionally());
        assertInstanceOf(SendoffException.class, future.handle((delivery, exception) -> exception).join());
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptedCloseStillSends(Broker broker) throws Exception {
        String topic = Broker.freshTopic("interrupted");
        Producer producer = broker.producer("linger.ms", 60_000);
        CompletableFuture<Delivery> future = producer.send(Record.of(topic, "value"));
        Thread.currentThread().interrupt();
        assertThrows(InterruptException.class, producer::close);
        assertTrue(Thread.interrupted());
        assertTrue(future.get(60, TimeUnit.SECONDS).isDelivered());
        producer.close();
    }

    @ParameterizedTest
    @EnumSource
    void eightThreadsSendWhileOneFlushesAndOneCloses(Broker broker) throws Exception {
        String topic = Broker.freshTopic("threads");
        Producer producer = broker.producer();
        AtomicInteger accepted = new AtomicInteger();
        AtomicInteger delivered = new AtomicInteger();
        AtomicReference<Throwable> wrong = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            threads.add(new Thread(() -> {
                try {
                    while (true) {
                        producer.send(Record.of(topic, "key", "value"), delivery -> {
                            if (delivery.isDelivered()) {
                                delivered.incrementAndGet();
                            }
                        });
                        accepted.incrementAndGet();
                    }
                } catch (ClosedException closed) {
                    // What ends it.
                } catch (Throwable thrown) {
                    wrong.set(thrown);
                }
            }));
        }
        threads.add(new Thread(() -> {
            try {
                while (true) {
                    producer.flush();
                }
            } catch (ClosedException closed) {
                // What ends it.
            } catch (Throwable thrown) {
                wrong.set(thrown);
            }
        }));
        threads.forEach(Thread::start);
        while (accepted.get() < 50_000) {
            Thread.sleep(1);
        }
        producer.close();
        for (Thread thread : threads) {
            thread.join(60_000);
            assertFalse(thread.isAlive());
        }
        assertNull(wrong.get());
        assertEquals(accepted.get(), delivered.get());
        assertEquals(accepted.get(), ReadBack.count(broker, topic));
    }
}
