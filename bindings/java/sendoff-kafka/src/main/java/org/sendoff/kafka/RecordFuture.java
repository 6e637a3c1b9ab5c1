package org.sendoff.kafka;

import static java.lang.System.Logger.Level.ERROR;

import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Headers;
import org.sendoff.Delivery;
import org.sendoff.SendoffException;

/**
 * The one object per record: what {@code send} returns and what the delivery thread calls. Interceptors and the
 * callback run first, then it completes, as {@code KafkaProducer}'s do.
 */
final class RecordFuture extends CompletableFuture<RecordMetadata> implements org.sendoff.Callback {
    private static final System.Logger LOG = System.getLogger("org.sendoff.kafka");
    private static final int NONE = -1;

    private final Deliveries deliveries;
    private final Callback callback;
    private final Headers headers;
    private final int keySize;
    private final int valueSize;

    RecordFuture(Deliveries deliveries, Callback callback, Headers headers, byte[] key, byte[] value) {
        this.deliveries = deliveries;
        this.callback = callback;
        this.headers = headers;
        this.keySize = key == null ? NONE : key.length;
        this.valueSize = value == null ? NONE : value.length;
    }

    /** A record that was never accepted: {@code send} has told the callback. */
    static CompletableFuture<RecordMetadata> refused(Exception exception) {
        RecordFuture future = new RecordFuture(null, null, null, null, null);
        future.completeExceptionally(exception);
        return future;
    }

    /** What is known of a record that was not delivered. */
    static RecordMetadata withoutOffset(TopicPartition partition) {
        return new RecordMetadata(partition, NONE, NONE, NONE, NONE, NONE);
    }

    @Override
    public void onDelivery(Delivery delivery) {
        SendoffException failure = delivery.exception();
        TopicPartition partition = deliveries.partition(delivery.topic(), delivery.partition());
        if (failure == null) {
            RecordMetadata metadata = new RecordMetadata(partition, delivery.offset(), 0, delivery.timestamp(), keySize,
                valueSize);
            tell(metadata, null);
            complete(metadata);
        } else {
            RuntimeException exception =
                delivery.attempts() == 0 ? Failures.ofMissingTopic(failure) : Failures.of(failure);
            tell(withoutOffset(partition), exception);
            completeExceptionally(exception);
        }
    }

    private void tell(RecordMetadata metadata, RuntimeException exception) {
        deliveries.entered();
        deliveries.interceptors().onAcknowledgement(metadata, exception, headers);
        if (callback == null) {
            return;
        }
        try {
            callback.onCompletion(metadata, exception);
        } catch (Exception failure) {
            LOG.log(ERROR, () -> "a callback failed for a record of " + metadata, failure);
        }
    }

    /** A record that was accepted is not recalled. */
    @Override
    public boolean cancel(boolean mayInterrupt) {
        return false;
    }

    /** What depends on it makes plain futures. */
    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new CompletableFuture<>();
    }
}
