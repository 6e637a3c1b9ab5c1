package org.sendoff.kafka;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.types.Password;
import org.sendoff.Producer;

/** Those of a program's settings that the library underneath is to know. */
final class ClientSettings {
    /** What is done here, in Java, as config.providers are by ProducerConfig. */
    private static final Set<String> OWN = Set.of(
        ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
        ProducerConfig.INTERCEPTOR_CLASSES_CONFIG, ProducerConfig.PARTITIONER_CLASS_CONFIG,
        ProducerConfig.METRIC_REPORTER_CLASSES_CONFIG, ProducerConfig.METRICS_NUM_SAMPLES_CONFIG,
        ProducerConfig.METRICS_RECORDING_LEVEL_CONFIG, ProducerConfig.METRICS_SAMPLE_WINDOW_MS_CONFIG,
        ProducerConfig.ENABLE_METRICS_PUSH_CONFIG, ProducerConfig.TRANSACTION_TIMEOUT_CONFIG);
    private static final String PROPAGATION = "topic.metadata.propagation.max.ms";

    private ClientSettings() {
    }

    /**
     * The settings as {@code ProducerConfig} read them.
     *
     * @throws ConfigException for what Sendoff does not have
     */
    static Map<String, Object> of(ProducerConfig config) {
        if (config.getString(ProducerConfig.TRANSACTIONAL_ID_CONFIG) != null) {
            throw new ConfigException(ProducerConfig.TRANSACTIONAL_ID_CONFIG,
                config.getString(ProducerConfig.TRANSACTIONAL_ID_CONFIG), "Sendoff has no transactions.");
        }
        boolean plaintext = "PLAINTEXT".equalsIgnoreCase(config.getString("security.protocol"));
        boolean ownTokens = LoginTokens.areOf(config);
        Map<String, Object> settings = new HashMap<>();
        config.originals().forEach((name, original) -> {
            if (original == null || isOwn(name) || plaintext && isSecurity(name) || ownTokens && isOfTokens(name)) {
                return;
            }
            if (ProducerConfig.configNames().contains(name)) {
                put(settings, name, config.values().get(name));
            } else if (isSendoffs(name)) {
                config.ignore(name);
                put(settings, name, original);
            }
        });
        settings.put(ProducerConfig.CLIENT_ID_CONFIG, config.getString(ProducerConfig.CLIENT_ID_CONFIG));
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
            config.getBoolean(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG).toString());
        if (Jaas.isUsedBy(config) && !ownTokens && config.getPassword(SaslConfigs.SASL_JAAS_CONFIG) == null) {
            put(settings, SaslConfigs.SASL_JAAS_CONFIG, Jaas.text(config));
        }
        // KafkaProducer gives up on a topic that is not there after max.block.ms, within send.
        settings.putIfAbsent(PROPAGATION, Long.toString(
            Math.min(config.getLong(ProducerConfig.MAX_BLOCK_MS_CONFIG), Integer.MAX_VALUE)));
        return settings;
    }

    private static boolean isOwn(String name) {
        return OWN.contains(name) || name.startsWith("config.providers");
    }

    /** Other names are those of the program's serializers and the like. */
    private static boolean isSendoffs(String name) {
        return Producer.knownSettings().stream().anyMatch(setting -> setting.name().equals(name)
            || setting.perTopic() && name.startsWith("topic.") && name.endsWith("." + setting.name()));
    }

    /** Without TLS and login their settings say nothing, to KafkaProducer as well. */
    private static boolean isSecurity(String name) {
        return name.startsWith("ssl.") || name.startsWith("sasl.") || name.equals("security.providers");
    }

    /** What says where tokens come from, when a handler of the program's does. */
    private static boolean isOfTokens(String name) {
        return name.equals(SaslConfigs.SASL_LOGIN_CALLBACK_HANDLER_CLASS) || name.equals(SaslConfigs.SASL_JAAS_CONFIG)
            || name.startsWith("sasl.oauthbearer.");
    }

    /** Those that are about TLS and logins, to be loaded anew. */
    static Map<String, Object> credentials(Map<String, ?> values, boolean ownTokens) {
        Map<String, Object> settings = new HashMap<>();
        values.forEach((name, value) -> {
            boolean counts = isSecurity(name) || name.equals("security.protocol") || !isOwn(name) && isSendoffs(name);
            if (counts && !(ownTokens && isOfTokens(name))) {
                put(settings, name, value);
            }
        });
        return settings;
    }

    private static void put(Map<String, Object> settings, String name, Object value) {
        if (value instanceof List<?> list) {
            settings.put(name, list.stream().map(Object::toString).collect(Collectors.joining(",")));
        } else if (value instanceof Password password) {
            settings.put(name, password.value());
        } else if (value instanceof Class<?> type) {
            settings.put(name, type.getName());
        } else if (value != null) {
            settings.put(name, value.toString());
        }
    }
}
