package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

/** What takes topics with settings of their own, or a broker that tells about its producers. */
abstract class ApacheKafkaContract extends ProducerContract {
    ApacheKafkaContract(ProducerFactory factory) {
        super(factory, Brokers.KAFKA);
    }

    private void createTopic(Map<String, String> settings) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(List.of(new NewTopic(topic, Optional.of(1), Optional.empty()).configs(settings)))
                .all().get();
        }
    }

    private int idempotentProducersOfTopic() throws Exception {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            return admin.describeProducers(List.of(partition)).partitionResult(partition).get()
                .activeProducers().size();
        }
    }

    @Test
    void logAppendTimeOfTheBrokerIsTold() throws Exception {
        createTopic(Map.of("message.timestamp.type", "LogAppendTime"));
        RecordMetadata metadata = get(producer().send(new ProducerRecord<>(topic, 0, 1234L, "key", "value")));

        ConsumerRecord<byte[], byte[]> stored = Brokers.readOne(bootstrap, topic);
        assertEquals(TimestampType.LOG_APPEND_TIME, stored.timestampType());
        assertEquals(stored.timestamp(), metadata.timestamp());
        assertTrue(metadata.hasTimestamp());
    }

    @Test
    void aRecordThatOnlyTheBrokerFindsTooLargeFailsByFutureAndCallback() throws Exception {
        createTopic(Map.of("max.message.bytes", "500"));
        Told told = new Told();
        Throwable failure = failureOf(producer().send(record("x".repeat(1000)), told));

        assertInstanceOf(RecordTooLargeException.class, failure);
        assertInstanceOf(RecordTooLargeException.class, told.exception());
        assertEquals(new TopicPartition(topic, 0), partitionOf(told));
        assertFalse(told.metadata().get(0).hasOffset());
    }

    @Test
    void aTimestampThatTheBrokerRefusesFailsItsRecord() throws Exception {
        createTopic(Map.of("message.timestamp.before.max.ms", "1000"));
        Told told = new Told();
        Producer<String, String> producer = producer();
        Throwable failure = failureOf(producer.send(new ProducerRecord<>(topic, 0, 1234L, "key", "old"), told));

        assertInstanceOf(InvalidTimestampException.class, failure);
        assertInstanceOf(InvalidTimestampException.class, told.exception());
        assertEquals(0, get(producer.send(record("new"))).offset());
    }

    @Test
    void aRecordThatTheTopicDoesNotAllowIsInvalid() throws Exception {
        createTopic(Map.of("cleanup.policy", "compact"));
        Told told = new Told();
        assertInstanceOf(InvalidRecordException.class, failureOf(producer().send(record("without a key"), told)));
        assertInstanceOf(InvalidRecordException.class, told.exception());
    }

    @Test
    void idempotenceIsOnByDefaultAndTurnedOffByAcksOne() throws Exception {
        get(producer("acks", "1").send(record("at most seen by the leader")));
        assertEquals(0, idempotentProducersOfTopic());

        get(producer().send(record("idempotent")));
        assertEquals(1, idempotentProducersOfTopic());
    }

    private static TopicPartition partitionOf(Told told) {
        RecordMetadata metadata = told.metadata().get(0);
        return new TopicPartition(metadata.topic(), metadata.partition());
    }
}
