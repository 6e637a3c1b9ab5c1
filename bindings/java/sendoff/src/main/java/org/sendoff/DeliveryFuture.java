package org.sendoff;

import java.util.concurrent.CompletableFuture;

/** The future of a delivery, completed as a callback is called. */
final class DeliveryFuture extends CompletableFuture<Delivery> implements Callback {
    @Override
    public void onDelivery(Delivery delivery) {
        SendoffException exception = delivery.exception();
        if (exception == null) {
            complete(delivery);
        } else {
            completeExceptionally(exception);
        }
    }

    /** What depends on it makes plain futures. */
    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new CompletableFuture<>();
    }
}
