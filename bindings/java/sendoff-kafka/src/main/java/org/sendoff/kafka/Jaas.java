package org.sendoff.kafka;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.security.JaasContext;

/** The login module of a program: of {@code sasl.jaas.config}, or KafkaClient of the JVM's own JAAS configuration. */
final class Jaas {
    private Jaas() {
    }

    /** Whether there is a login. */
    static boolean isUsedBy(ProducerConfig config) {
        return config.getString(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG).toUpperCase(Locale.ROOT)
            .startsWith("SASL_");
    }

    /** The entries; none if there is no configuration, or it does not have them. */
    static List<AppConfigurationEntry> entries(ProducerConfig config) {
        try {
            return JaasContext.loadClientContext(config.values()).configurationEntries();
        } catch (SecurityException without) { // so says the JVM when there is no configuration at all
            return List.of();
        } catch (IllegalArgumentException failure) {
            if (config.getPassword(SaslConfigs.SASL_JAAS_CONFIG) != null) {
                throw failure;
            }
            return List.of();
        }
    }

    /** As {@code sasl.jaas.config} has it; null if there is none. */
    static String text(ProducerConfig config) {
        List<AppConfigurationEntry> entries = entries(config);
        if (entries.isEmpty()) {
            return null;
        }
        AppConfigurationEntry entry = entries.get(0);
        StringBuilder text = new StringBuilder(entry.getLoginModuleName()).append(" required");
        entry.getOptions().forEach((name, value) -> text.append(' ').append(name).append("=\"")
            .append(value.toString().replace("\\", "\\\\").replace("\"", "\\\"")).append('"'));
        return text.append(';').toString();
    }

    /** What Kafka shows to the classes of a login: settings as it has read them, and all others as they are. */
    static Map<String, Object> settings(ProducerConfig config) {
        Map<String, Object> settings = new HashMap<>(config.originals());
        settings.putAll(config.values());
        return settings;
    }
}
