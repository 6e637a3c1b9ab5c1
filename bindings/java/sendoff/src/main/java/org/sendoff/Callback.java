package org.sendoff;

/**
 * What a program does when a record's outcome is known.
 *
 * <p>Callbacks of one producer run one at a time on its delivery thread, those of delivered records in order per
 * partition. A callback that takes long holds up other callbacks of its producer, but not the network: records go on
 * being sent and acknowledged. An exception is logged and harms nothing else. A callback may send; it must not wait
 * for other deliveries of its own producer.
 */
@FunctionalInterface
public interface Callback {
    /**
     * Called exactly once for an accepted record.
     *
     * @param delivery what became of the record
     */
    void onDelivery(Delivery delivery);
}
