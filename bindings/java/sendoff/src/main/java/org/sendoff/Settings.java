package org.sendoff;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.function.LongFunction;
import java.util.stream.Collectors;
import org.sendoff.internal.NativeSetting;
import org.sendoff.internal.SendoffNative;
import org.sendoff.internal.Utf8;

/** A program's settings as text, and those that the library knows. */
final class Settings {
    private static final String REPORT_MODE = "delivery.report.mode";
    private static final String QUEUE = "queue";
    private static final String UNKNOWN_SETTINGS = "unknown.settings";
    private static final String SHUTDOWN_CALLBACKS = "shutdown.callbacks";
    private static final int TEXT_BYTES = 1024;

    private final Map<String, String> values;

    private Settings(Map<String, String> values) {
        this.values = values;
    }

    static Settings of(Map<String, ?> settings) {
        Map<String, String> values = new LinkedHashMap<>();
        settings.forEach((name, value) -> values.put(name, text(name, value)));
        return new Settings(values);
    }

    static Settings of(Properties settings) {
        Map<String, String> values = new LinkedHashMap<>();
        settings.stringPropertyNames().forEach(name -> values.put(name, settings.getProperty(name)));
        settings.forEach((name, value) -> values.put(String.valueOf(name), text(String.valueOf(name), value)));
        return new Settings(values);
    }

    private static String text(String name, Object value) {
        if (value == null) {
            throw new ConfigurationException(SendoffNative.INVALID_SETTING, name, name + " is null");
        }
        if (value instanceof Collection<?> list) {
            return list.stream().map(String::valueOf).collect(Collectors.joining(","));
        }
        if (value instanceof char[] password) {
            return new String(password);
        }
        return value instanceof Class<?> type ? type.getName() : value.toString();
    }

    /** A producer of the library, and the settings that hold for it. */
    record Opened(long handle, Map<String, String> settings) {
    }

    /** Makes the library's producer. */
    Opened open() {
        return withConfig(config -> {
            applyWithMode(config);
            Map<String, String> effective = effective(config);
            byte[] error = new byte[TEXT_BYTES];
            long[] handle = new long[1];
            int status = SendoffNative.open(config, handle, error);
            check(status, null, Utf8.textIn(error));
            return new Opened(handle[0], effective);
        });
    }

    /** Loads a producer's credentials anew: from these settings, or with null from the files that its own name. */
    static void reload(long handle, Settings settings) {
        if (settings == null) {
            reload(handle, 0);
        } else {
            withConfig(config -> {
                settings.apply(config);
                reload(handle, config);
                return null;
            });
        }
    }

    private static void reload(long handle, long config) {
        byte[] error = new byte[TEXT_BYTES];
        int status = SendoffNative.reload_credentials(handle, config, error);
        String reason = Utf8.textIn(error);
        check(status, null, reason.isEmpty() ? "the credentials" : reason);
    }

    /** Does something with a configuration of the library's. */
    private static <T> T withConfig(LongFunction<T> action) {
        long[] config = new long[1];
        check(SendoffNative.config_create(config), null, "");
        try {
            return action.apply(config[0]);
        } finally {
            SendoffNative.config_destroy(config[0]);
        }
    }

    private void applyWithMode(long config) {
        String mode = values.getOrDefault(REPORT_MODE, QUEUE);
        if (!mode.equals(QUEUE) && !mode.equals("auto")) {
            throw new ConfigurationException(SendoffNative.INVALID_SETTING, REPORT_MODE, REPORT_MODE + "=" + mode
                + ": deliveries reach Java by futures and callbacks, which need " + QUEUE + "; leave it out");
        }
        // Objects live until the JVM has ended, so callbacks may run while it does.
        set(config, SHUTDOWN_CALLBACKS, "true");
        apply(config);
        set(config, REPORT_MODE, QUEUE);
    }

    private void apply(long config) {
        // Counts for what is set after it.
        if (values.containsKey(UNKNOWN_SETTINGS)) {
            set(config, UNKNOWN_SETTINGS, values.get(UNKNOWN_SETTINGS));
        }
        values.forEach((name, value) -> set(config, name, value));
    }

    private static void set(long config, String name, String value) {
        if (value.indexOf('\0') >= 0) { // which is not shown: it may be a password
            throw new ConfigurationException(SendoffNative.INVALID_SETTING, name, name + " holds a NUL character");
        }
        byte[] error = new byte[TEXT_BYTES];
        check(SendoffNative.config_set(config, name, value, error), name, Utf8.textIn(error));
    }

    private static void check(int status, String setting, String message) {
        if (status == SendoffNative.INVALID_SETTING || status == SendoffNative.UNKNOWN_SETTING) {
            throw new ConfigurationException(status, setting == null ? settingIn(message) : setting, message);
        }
        if (status != SendoffNative.OK) {
            throw Statuses.refusal(status, message.isEmpty() ? "the producer was not made" : message);
        }
    }

    /** The setting that a message names first. */
    private static String settingIn(String message) {
        String found = null;
        int foundAt = message.length();
        for (Setting setting : known()) {
            int at = message.indexOf(setting.name());
            boolean isEarlier = at >= 0 && at < foundAt;
            boolean isLonger = found != null && at == foundAt && setting.name().length() > found.length();
            if (isEarlier || isLonger) {
                found = setting.name();
                foundAt = at;
            }
        }
        return found;
    }

    private static Map<String, String> effective(long config) {
        Map<String, String> effective = new TreeMap<>();
        for (Setting setting : known()) {
            String value = setting.aliasOf() == null && setting.hasMeaning() ? get(config, setting.name()) : "";
            if (!value.isEmpty()) {
                effective.put(setting.name(), value); // of a password the library gives "[hidden]"
            }
        }
        return Collections.unmodifiableMap(effective);
    }

    private static String get(long config, String name) {
        byte[] buffer = new byte[TEXT_BYTES];
        long[] needed = new long[1];
        int status = SendoffNative.config_get(config, name, buffer, needed);
        if (status == SendoffNative.OK && needed[0] >= buffer.length) {
            buffer = new byte[(int) needed[0] + 1];
            status = SendoffNative.config_get(config, name, buffer, needed);
        }
        check(status, name, name);
        return Utf8.textIn(buffer);
    }

    static List<Setting> known() {
        return Known.SETTINGS;
    }

    /** Read from the library when they are first asked for. */
    private static final class Known {
        private static final List<Setting> SETTINGS = read();

        private static List<Setting> read() {
            int[] count = new int[1];
            check(SendoffNative.setting_count(count), null, "the settings");
            List<Setting> settings = new ArrayList<>(count[0]);
            try (NativeSetting setting = new NativeSetting()) {
                for (int index = 0; index < count[0]; index++) {
                    check(SendoffNative.setting_at(index, setting), null, "the settings");
                    settings.add(new Setting(setting.getName(), setting.getType(), setting.getDefault_value(),
                        setting.getRange(), setting.getText(), setting.getAlias_of(),
                        (setting.getFlags() & SendoffNative.SETTING_PER_TOPIC) != 0,
                        (setting.getFlags() & SendoffNative.SETTING_NO_MEANING) == 0));
                }
            }
            return List.copyOf(settings);
        }
    }
}
