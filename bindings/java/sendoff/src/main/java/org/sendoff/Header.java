package org.sendoff;

import java.util.Arrays;
import java.util.Objects;

/**
 * A header of a record. Names may repeat within a record, and their order is kept. Equal are those of the same name and
 * bytes.
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

    @Override
    public boolean equals(Object other) {
        return other instanceof Header header && name.equals(header.name) && Arrays.equals(value, header.value);
    }

    @Override
    public int hashCode() {
        return 31 * name.hashCode() + Arrays.hashCode(value);
    }
}
