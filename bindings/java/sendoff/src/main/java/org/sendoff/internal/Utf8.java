package org.sendoff.internal;

import java.nio.charset.StandardCharsets;

/** Text on its way to the library and back. */
public final class Utf8 {
    private Utf8() {
    }

    /** The bytes of a text, null of null. The library takes text that ends at NUL, so that it cannot hold one. */
    static byte[] bytes(String text) {
        if (text != null && text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a NUL character in a text"); // which may be a token
        }
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    /** The text of bytes, null of null. */
    static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    /**
     * The text that a function of the library left in a buffer, up to its end mark.
     *
     * @param buffer the buffer
     * @return the text
     */
    public static String textIn(byte[] buffer) {
        int end = 0;
        while (end < buffer.length && buffer[end] != 0) {
            end++;
        }
        return new String(buffer, 0, end, StandardCharsets.UTF_8);
    }
}
