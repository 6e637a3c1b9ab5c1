package org.sendoff;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A producer without the object that the program holds, so that its threads do not keep that one alive. */
final class ProducerCore {
    static ProducerCore start(Settings settings) {
        throw new UnsupportedOperationException();
    }

    void send(String topic, int partition, long timestamp, byte[] key, byte[] value, List<Header> headers,
              Callback callback) {
        throw new UnsupportedOperationException();
    }

    void flush(Duration timeout) {
        throw new UnsupportedOperationException();
    }

    boolean close(Duration timeout) {
        throw new UnsupportedOperationException();
    }

    void connect(Duration timeout) {
        throw new UnsupportedOperationException();
    }

    List<PartitionInfo> partitionsFor(String topic, Duration timeout) {
        throw new UnsupportedOperationException();
    }

    Counters counters() {
        throw new UnsupportedOperationException();
    }

    Map<String, String> settings() {
        throw new UnsupportedOperationException();
    }

    void leaked() {
        throw new UnsupportedOperationException();
    }
}
