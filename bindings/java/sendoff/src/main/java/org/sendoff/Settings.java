package org.sendoff;

import java.util.List;
import java.util.Map;
import java.util.Properties;

/** A program's settings as text, and those that the library knows. */
final class Settings {
    private Settings() {
    }

    static Settings of(Map<String, ?> settings) {
        throw new UnsupportedOperationException();
    }

    static Settings of(Properties settings) {
        throw new UnsupportedOperationException();
    }

    static List<Setting> known() {
        throw new UnsupportedOperationException();
    }
}
