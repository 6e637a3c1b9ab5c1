package org.sendoff.kafka;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;

/**
 * The behaviours of {@link ProducerContract} hold for Kafka's own producer and, with another constructor called, for
 * Sendoff's, beside Apache Kafka and beside the embedded broker.
 */
class ProducerContractTest {
    @Nested
    @DisplayName("KafkaProducer, Apache Kafka")
    class KafkaProducerBesideKafka extends ApacheKafkaContract {
        KafkaProducerBesideKafka() {
            super(ProducerFactory.KAFKA);
        }
    }

    @Nested
    @DisplayName("KafkaProducer, embedded broker")
    class KafkaProducerBesideEmbedded extends ProducerContract {
        KafkaProducerBesideEmbedded() {
            super(ProducerFactory.KAFKA, Brokers.EMBEDDED);
        }
    }

    @Nested
    @DisplayName("SendoffProducer, Apache Kafka")
    class SendoffProducerBesideKafka extends ApacheKafkaContract {
        SendoffProducerBesideKafka() {
            super(ProducerFactory.SENDOFF);
        }
    }

    @Nested
    @DisplayName("SendoffProducer, embedded broker")
    class SendoffProducerBesideEmbedded extends ProducerContract {
        SendoffProducerBesideEmbedded() {
            super(ProducerFactory.SENDOFF, Brokers.EMBEDDED);
        }
    }
}
