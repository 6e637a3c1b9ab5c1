/**
 * Sendoff behind {@code org.apache.kafka.clients.producer.Producer}: a program switches to it by calling the
 * constructor of {@link org.sendoff.kafka.SendoffProducer} instead of {@code KafkaProducer}'s.
 */
package org.sendoff.kafka;
