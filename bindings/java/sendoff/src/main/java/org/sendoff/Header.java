package org.sendoff;

import java.util.Objects;

/**
 * A header of a record. Names may repeat within a record, and their order is kept.
 *
 * @param name the name, not null
 * @param value the value, or null for Kafka's null; the array is not copied
 */
public record Header(String name, byte[] value) {
    /**
     * Makes a header.
     *
     * @param name the name, not null
     * @param value the value, or null for Kafka's null; the array is not copied
     * @throws NullPointerException if the name is null
     */
    public Header {
        Objects.requireNonNull(name, "a header's name is null");
    }
}
