package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.sendoff.Outcome;
import org.sendoff.SendoffException;

/** What {@link SendoffProducer} has, or does not have, beside the contract. */
class SendoffProducerTest extends ContractSupport {
    SendoffProducerTest() {
        super(ProducerFactory.SENDOFF, Brokers.EMBEDDED);
    }

    @Test
    void transactionsAreRefusedBySetting() {
        ConfigException failure = assertThrows(ConfigException.class, () -> producer("transactional.id", "mine"));
        assertTrue(failure.getMessage().contains("transactional.id"), failure::getMessage);
    }

    @Test
    void encryptionIsNotLeftOutWhereTheBrokerHasNone() {
        Producer<String, String> producer = producer("security.protocol", "SSL", "delivery.timeout.ms", 500,
            "request.timeout.ms", 400, "linger.ms", 0);
        assertInstanceOf(TimeoutException.class, failureOf(producer.send(record("value"))));
    }

    @Test
    void sendoffsOwnSettingsCount() throws Exception {
        assertThrows(KafkaException.class, () -> producer("partition.buffer.percent", 101));
        assertThrows(KafkaException.class, () -> producer("topic." + topic + ".compression.type", "lzma"));
        Producer<String, String> producer =
            producer("partition.buffer.percent", 90, "topic." + topic + ".compression.type", "zstd", "topic.mine", "x");
        assertEquals(0, get(producer.send(record("value"))).offset());
    }

    @Test
    void bootstrapServersMayBeListedWithProtocols() throws Exception {
        Producer<String, String> producer =
            producer("bootstrap.servers", List.of("PLAINTEXT://" + bootstrap, bootstrap));
        assertEquals(0, get(producer.send(record("value"))).offset());
    }

    @Test
    void configurationProvidersAreAsked() throws Exception {
        Producer<String, String> producer = producer("bootstrap.servers", "${env:SENDOFF_TEST_EMBEDDED}",
            "config.providers", "env",
            "config.providers.env.class", "org.apache.kafka.common.config.provider.EnvVarConfigProvider");
        assertEquals(0, get(producer.send(record("value"))).offset());
    }

    @Test
    void causesSayWhetherSendingAgainIsSafe() {
        Throwable failure = failureOf(producer("max.request.size", 1000).send(record("x".repeat(2000))));
        SendoffException cause = assertInstanceOf(SendoffException.class, failure.getCause());
        assertEquals(Outcome.NOT_DELIVERED, cause.outcome());
        assertEquals("RECORD_TOO_LARGE", cause.codeName());
    }

    @Test
    void aRecordWhoseBrokerFellSilentMayHaveBeenWritten() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Producer<String, String> producer = producer("bootstrap.servers", broker.bootstrap(),
                "linger.ms", 0, "request.timeout.ms", 400, "delivery.timeout.ms", 500);
            warmUp(producer, topic);
            broker.freeze();

            Throwable failure = failureOf(producer.send(record("value")));
            assertEquals(Outcome.UNKNOWN, assertInstanceOf(SendoffException.class, failure.getCause()).outcome());
        }
    }

    @Test
    void aMissingTopicIsNamedInTheCause() throws Exception {
        try (SmallBroker broker = new SmallBroker("other")) {
            Producer<String, String> producer =
                producer("bootstrap.servers", broker.bootstrap(), "max.block.ms", 200);
            Throwable failure = failureOf(producer.send(new ProducerRecord<>(topic, "value")));

            assertInstanceOf(TimeoutException.class, failure);
            assertInstanceOf(UnknownTopicOrPartitionException.class, failure.getCause());
            assertInstanceOf(SendoffException.class, failure.getCause().getCause());
        }
    }

    @Test
    void sendDoesNotWaitForABroker() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            broker.freeze();
            Told told = new Told();
            Producer<String, String> producer = producer("bootstrap.servers", broker.bootstrap());
            for (int i = 0; i < 1000; i++) {
                producer.send(record("value " + i), told);
            }
            assertEquals(0, told.times());

            broker.thaw();
            producer.flush();
            assertEquals(1000, told.metadata().stream().filter(metadata -> metadata.hasOffset()).count());
        }
    }

    @Test
    void whatAForgottenProducerAcceptedIsSent() {
        CompletableFuture<Exception> told = new CompletableFuture<>();
        sendAndForget(told);
        Brokers.eventually(() -> {
            System.gc();
            return told.isDone();
        });
        assertNull(told.join());
        Brokers.readOne(bootstrap, topic);
    }

    /** In a frame of its own, so that nothing here keeps the producer alive. */
    private void sendAndForget(CompletableFuture<Exception> told) {
        Map<String, Object> settings = settings("linger.ms", 600_000, "delivery.timeout.ms", 900_000);
        Producer<String, String> forgotten =
            factory.create(settings, new StringSerializer(), new StringSerializer());
        forgotten.send(record("value"), (metadata, exception) -> told.complete(exception));
    }

    @Test
    void aPartitionerIsShownWhatWasKnownWhileNothingNewerIs() throws Exception {
        try (SmallBroker broker = new SmallBroker(topic)) {
            Map<String, Object> settings = settings("bootstrap.servers", broker.bootstrap(),
                "partitioner.class", Recording.LastPartition.class);
            Producer<String, String> producer =
                closedLater(factory.create(settings, new StringSerializer(), new StringSerializer()));
            get(producer.send(new ProducerRecord<>(topic, "key", "first")));
            broker.freeze();
            Thread.sleep(TopicPartitions.FRESH.toMillis() + 1);
            producer.send(new ProducerRecord<>(topic, "key", "second"));

            assertEquals(List.of(1, 1), Recording.PARTITION_COUNTS);
            broker.thaw();
            producer.flush();
        }
    }
}
