package org.sendoff.kafka;

import org.apache.kafka.common.TopicPartition;

/** What the records of one producer share when they are delivered. */
final class Deliveries {
    private final Interceptors<?, ?> interceptors;
    /** Written by the delivery thread alone. */
    private volatile Thread thread;
    /** The delivery thread's: batches are of one partition, so that the last one is nearly always the next one. */
    private TopicPartition last = new TopicPartition("", 0);

    Deliveries(Interceptors<?, ?> interceptors) {
        this.interceptors = interceptors;
    }

    Interceptors<?, ?> interceptors() {
        return interceptors;
    }

    TopicPartition partition(String topic, int partition) {
        if (last.partition() != partition || !last.topic().equals(topic)) {
            last = new TopicPartition(topic, partition);
        }
        return last;
    }

    /** The delivery thread is about to run what the program gave. */
    void entered() {
        Thread current = Thread.currentThread();
        if (thread != current) {
            thread = current;
        }
    }

    /** Whether the caller is within a callback or an interceptor's onAcknowledgement. */
    boolean isDeliveryThread() {
        return Thread.currentThread() == thread;
    }
}
