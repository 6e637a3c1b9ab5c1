package org.sendoff.internal;

import java.nio.charset.StandardCharsets;

/** Text as the generated code hands it over. */
public final class Utf8 {
    private Utf8() {
    }

    static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    /** The text up to its end mark, if it has one. */
    public static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8).split("\0", 2)[0];
    }
}
