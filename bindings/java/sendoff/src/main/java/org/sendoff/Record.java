package org.sendoff;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What is sent: a value, and optionally a key, headers, a partition and a timestamp. Immutable, except that arrays
 * are not copied: do not change them before {@code send} has returned. Import it by name, since {@code java.lang} has
 * a class of the same name.
 *
 * <pre>{@code
 * Record.of("orders", "4711", "{\"total\": 12}");
 * Record.to("orders").key("4711").value(bytes).header("trace", id).partition(2).build();
 * }</pre>
 */
public final class Record {
    private final String topic;
    private final Integer partition;
    private final Long timestamp;
    private final byte[] key;
    private final byte[] value;
    private final List<Header> headers;

    private Record(String topic, Integer partition, Long timestamp, byte[] key, byte[] value, List<Header> headers) {
        this.topic = Objects.requireNonNull(topic, "the topic is null");
        this.partition = partition;
        this.timestamp = timestamp;
        this.key = key;
        this.value = value;
        this.headers = headers;
    }

    /**
     * A record without a key.
     *
     * @param topic the topic's name, not null
     * @param value the value; null makes a tombstone
     * @return the record
     */
    public static Record of(String topic, byte[] value) {
        return new Record(topic, null, null, null, value, List.of());
    }

    /**
     * A record with a key.
     *
     * @param topic the topic's name, not null
     * @param key the key, or null
     * @param value the value; null makes a tombstone
     * @return the record
     */
    public static Record of(String topic, byte[] key, byte[] value) {
        return new Record(topic, null, null, key, value, List.of());
    }

    /**
     * A record without a key, of text in UTF-8.
     *
     * @param topic the topic's name, not null
     * @param value the value; null makes a tombstone
     * @return the record
     */
    public static Record of(String topic, String value) {
        return of(topic, bytes(value));
    }

    /**
     * A record with a key, of text in UTF-8.
     *
     * @param topic the topic's name, not null
     * @param key the key, or null
     * @param value the value; null makes a tombstone
     * @return the record
     */
    public static Record of(String topic, String key, String value) {
        return of(topic, bytes(key), bytes(value));
    }

    /**
     * Begins a record with whatever parts it needs.
     *
     * @param topic the topic's name, not null
     * @return a builder
     */
    public static Builder to(String topic) {
        return new Builder(topic);
    }

    /**
     * Where it goes.
     *
     * @return the topic's name
     */
    public String topic() {
        return topic;
    }

    /**
     * The partition that it names.
     *
     * @return the partition, or null if the partitioner chooses
     */
    public Integer partition() {
        return partition;
    }

    /**
     * Its own time.
     *
     * @return milliseconds since 1970, or null for the time of {@code send}
     */
    public Long timestamp() {
        return timestamp;
    }

    /**
     * The key, as it was given.
     *
     * @return the bytes, or null
     */
    public byte[] key() {
        return key;
    }

    /**
     * The value, as it was given.
     *
     * @return the bytes, or null
     */
    public byte[] value() {
        return value;
    }

    /**
     * The headers in their order.
     *
     * @return an unmodifiable list, empty if there are none
     */
    public List<Header> headers() {
        return headers;
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    /** Puts a record together. For one thread. */
    public static final class Builder {
        private final String topic;
        private Integer partition;
        private Long timestamp;
        private byte[] key;
        private byte[] value;
        private List<Header> headers = List.of();

        private Builder(String topic) {
            this.topic = Objects.requireNonNull(topic, "the topic is null");
        }

        /**
         * Names the partition; without it the partitioner chooses.
         *
         * @param partition the partition, 0 or more
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder partition(int partition) {
            if (partition < 0) {
                throw new IllegalArgumentException("partition " + partition + " is negative");
            }
            this.partition = partition;
            return this;
        }

        /**
         * Gives the record a time of its own; without it, it is the time of {@code send}.
         *
         * @param timestamp milliseconds since 1970, 0 or more
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder timestamp(long timestamp) {
            if (timestamp < 0) {
                throw new IllegalArgumentException("timestamp " + timestamp + " is negative");
            }
            this.timestamp = timestamp;
            return this;
        }

        /**
         * Sets the key.
         *
         * @param key the bytes, or null
         * @return this
         */
        public Builder key(byte[] key) {
            this.key = key;
            return this;
        }

        /**
         * Sets the key from text, in UTF-8.
         *
         * @param key the text, or null
         * @return this
         */
        public Builder key(String key) {
            return key(bytes(key));
        }

        /**
         * Sets the value; null, as when it is never set, makes a tombstone.
         *
         * @param value the bytes, or null
         * @return this
         */
        public Builder value(byte[] value) {
            this.value = value;
            return this;
        }

        /**
         * Sets the value from text, in UTF-8; null makes a tombstone.
         *
         * @param value the text, or null
         * @return this
         */
        public Builder value(String value) {
            return value(bytes(value));
        }

        /**
         * Adds a header after those that are there. Names may repeat.
         *
         * @param name the name, not null
         * @param value the bytes, or null
         * @return this
         */
        public Builder header(String name, byte[] value) {
            if (headers.isEmpty()) {
                headers = new ArrayList<>();
            }
            headers.add(new Header(name, value));
            return this;
        }

        /**
         * Adds a header of text in UTF-8 after those that are there.
         *
         * @param name the name, not null
         * @param value the text, or null
         * @return this
         */
        public Builder header(String name, String value) {
            return header(name, bytes(value));
        }

        /**
         * Makes the record; the builder may be used again.
         *
         * @return the record
         */
        public Record build() {
            return new Record(topic, partition, timestamp, key, value, List.copyOf(headers));
        }
    }
}
