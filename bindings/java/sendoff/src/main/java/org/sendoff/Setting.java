package org.sendoff;

/**
 * A setting as the library knows it.
 *
 * @param name its name, such as {@code linger.ms}
 * @param type {@code boolean}, {@code int}, {@code long}, {@code double}, {@code string}, {@code list}, {@code
 *     enumeration} or {@code password}
 * @param defaultValue the value where none is set, or null
 * @param range what is allowed, for people, or null for anything of the type
 * @param text what it does
 * @param aliasOf the setting that this name stands for, or null
 * @param perTopic whether it may also be set for one topic, as {@code topic.NAME.setting}
 * @param hasMeaning false for names that are accepted because Kafka's own producer knows them, without a meaning here
 */
public record Setting(String name, String type, String defaultValue, String range, String text, String aliasOf,
                      boolean perTopic, boolean hasMeaning) {
}
