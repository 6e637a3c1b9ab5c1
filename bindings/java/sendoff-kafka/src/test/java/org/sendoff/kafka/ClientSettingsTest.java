package org.sendoff.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.RoundRobinPartitioner;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.authenticator.DefaultLogin;
import org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;

/** What the library is told of a program's settings. */
class ClientSettingsTest {
    private static Map<String, Object> of(Map<String, Object> more) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", List.of("one:9092", "two:9092"),
            "key.serializer", StringSerializer.class, "value.serializer", StringSerializer.class, "client.id", "me"));
        settings.putAll(more);
        return ClientSettings.of(new ProducerConfig(settings));
    }

    @Test
    void defaultsAreTheLibrarysOwn() {
        assertEquals(Map.of("bootstrap.servers", "one:9092,two:9092", "client.id", "me", "enable.idempotence", "true",
            "topic.metadata.propagation.max.ms", "60000"), of(Map.of()));
    }

    @Test
    void whatIsSetIsHandedOnAsKafkaReadsIt() {
        Map<String, Object> settings = of(Map.of("linger.ms", 7, "batch.size", " 1000 ", "acks", "all", "max.block.ms",
            9L, "compression.type", "zstd"));
        assertEquals(Map.of("bootstrap.servers", "one:9092,two:9092", "client.id", "me", "enable.idempotence", "true",
            "topic.metadata.propagation.max.ms", "9", "linger.ms", "7", "batch.size", "1000", "acks", "-1",
            "max.block.ms", "9", "compression.type", "zstd"), settings);
    }

    @Test
    void acksTurnIdempotenceOff() {
        assertEquals("false", of(Map.of("acks", "1")).get("enable.idempotence"));
    }

    @Test
    void whatJavaDoesIsNotHandedOn() {
        assertEquals(of(Map.of()), of(Map.of("partitioner.class", RoundRobinPartitioner.class, "metric.reporters", "",
            "interceptor.classes", "", "metrics.num.samples", 3, "enable.metrics.push", false,
            "ssl.truststore.location", "nowhere", "sasl.mechanism", "PLAIN", "schema.registry.url", "nowhere")));
    }

    @Test
    void credentialsAreHandedOnAsText() {
        Map<String, Object> settings = of(Map.of("security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN",
            "sasl.jaas.config", new Password("a.Module required;"), "ssl.enabled.protocols", List.of("TLSv1.3"),
            "ssl.truststore.certificates", "-----BEGIN", "sasl.login.class", DefaultLogin.class,
            "ssl.truststore.location", "trusted.pem"));
        assertEquals("a.Module required;", settings.get("sasl.jaas.config"));
        assertEquals("TLSv1.3", settings.get("ssl.enabled.protocols"));
        assertEquals("-----BEGIN", settings.get("ssl.truststore.certificates"));
        assertEquals(DefaultLogin.class.getName(), settings.get("sasl.login.class"));
        assertEquals("trusted.pem", settings.get("ssl.truststore.location"));
        assertEquals(Map.of("ssl.key.password", "p", "ssl.cipher.suites", "a,b"), ClientSettings.credentials(
            Map.of("ssl.key.password", new Password("p"), "ssl.cipher.suites", List.of("a", "b"),
                "key.serializer", StringSerializer.class, "a.setting.of.its", 7), false));
    }

    @Test
    void aHandlerOfTheProgramsOwnIsNotHandedOnButKafkasAre() {
        Map<String, Object> login = new HashMap<>(Map.of("security.protocol", "sasl_ssl", "sasl.mechanism",
            "OAUTHBEARER", "sasl.jaas.config", "a.Module required;", "sasl.oauthbearer.scope", "all",
            "sasl.login.callback.handler.class", SecurityTest.Handler.class.getName()));
        Map<String, Object> settings = of(login);
        for (String name : List.of("sasl.jaas.config", "sasl.oauthbearer.scope", "sasl.login.callback.handler.class")) {
            assertFalse(settings.containsKey(name), name);
        }
        assertEquals("OAUTHBEARER", settings.get("sasl.mechanism"));

        login.put("sasl.login.callback.handler.class", OAuthBearerUnsecuredLoginCallbackHandler.class);
        assertEquals(OAuthBearerUnsecuredLoginCallbackHandler.class.getName(),
            of(login).get("sasl.login.callback.handler.class"));
        login.put("sasl.mechanism", "PLAIN");
        login.put("sasl.login.callback.handler.class", SecurityTest.Handler.class);
        assertEquals(SecurityTest.Handler.class.getName(), of(login).get("sasl.login.callback.handler.class"));
    }

    @Test
    void theJvmsOwnLoginConfigurationIsHandedOn() {
        Map<String, Object> login = Map.of("security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN");
        assertFalse(of(login).containsKey("sasl.jaas.config"));
        Configuration.setConfiguration(new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                AppConfigurationEntry entry = new AppConfigurationEntry("a.Module",
                    AppConfigurationEntry.LoginModuleControlFlag.SUFFICIENT, Map.of("password", "a \"b\" \\ c"));
                return name.equals("KafkaClient") ? new AppConfigurationEntry[] {entry} : null;
            }
        });
        try {
            assertEquals("a.Module required password=\"a \\\"b\\\" \\\\ c\";", of(login).get("sasl.jaas.config"));
            Map<String, Object> own = new HashMap<>(login);
            own.put("sasl.jaas.config", "b.Module required;");
            assertEquals("b.Module required;", of(own).get("sasl.jaas.config"));
            assertFalse(of(Map.of("security.protocol", "SSL")).containsKey("sasl.jaas.config"));
        } finally {
            Configuration.setConfiguration(null);
        }
    }

    @Test
    void sendoffsOwnAreHandedOn() {
        Map<String, Object> settings = of(Map.of("topic.metadata.propagation.max.ms", 5, "topic.a.b.linger.ms", 3,
            "topic.a.acks", "1", "partition.buffer.percent", 60));
        assertEquals(5, Integer.parseInt(settings.get("topic.metadata.propagation.max.ms").toString()));
        assertEquals("1", settings.get("topic.a.acks"));
        assertEquals("60", settings.get("partition.buffer.percent"));
        assertFalse(settings.containsKey("topic.a.b.linger.ms"), "linger.ms is not per topic");
    }
}
