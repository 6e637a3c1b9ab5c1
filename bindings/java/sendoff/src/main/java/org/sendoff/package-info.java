/**
 * A producer for Apache Kafka: what {@code send} accepted is sent.
 *
 * <p>{@link org.sendoff.Producer} is where to begin. A {@link org.sendoff.Record} that {@code send} accepted gets
 * exactly one {@link org.sendoff.Delivery}, through a future or a {@link org.sendoff.Callback}; one that is refused
 * is refused at once, by an exception, and was never accepted. All exceptions of this package are unchecked and
 * extend {@link org.sendoff.SendoffException}.
 *
 * <p>Bytes go through as they are: null is Kafka's null, an empty array is empty. Names and settings are those of
 * Kafka.
 */
package org.sendoff;
