package org.sendoff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SettingsTest {
    private static Setting known(String name) {
        return Producer.knownSettings().stream().filter(setting -> setting.name().equals(name)).findFirst()
            .orElseThrow();
    }

    @Test
    void settingsDescribeThemselves() {
        Setting linger = known("linger.ms");
        assertEquals("double", linger.type());
        assertEquals("5", linger.defaultValue());
        assertTrue(linger.text().contains("batch"), linger.text());
        assertNull(linger.aliasOf());
        assertTrue(linger.hasMeaning());
        assertFalse(linger.perTopic());
        assertTrue(known("acks").perTopic());
        assertEquals("linger.ms", known("queue.buffering.max.ms").aliasOf());
        assertFalse(known("key.serializer").hasMeaning());
    }

    @Test
    void aProducerTellsWhatHolds() {
        String servers = "127.0.0.1:1," + "127.0.0.1:2,".repeat(200) + "127.0.0.1:3";
        try (Producer producer = new Producer(Map.of("bootstrap.servers", List.of(servers.split(",")),
            "queue.buffering.max.ms", "7", "client.id", "na\u00efve"))) {
            assertEquals(servers, producer.settings().get("bootstrap.servers"));
            assertEquals("7", producer.settings().get("linger.ms"));
            assertEquals("all", producer.settings().get("acks"));
            assertEquals("na\u00efve", producer.settings().get("client.id"));
            assertEquals("true", producer.settings().get("shutdown.callbacks"));
            assertFalse(producer.settings().containsKey("key.serializer"));
            assertThrows(UnsupportedOperationException.class, () -> producer.settings().put("acks", "1"));
        }
    }

    @Test
    void theVersionIsTheLibrarys() {
        assertTrue(Producer.version().matches("\\d+\\.\\d+\\.\\d+"), Producer.version());
        assertTrue(Producer.features().containsAll(List.of("gzip", "lz4", "snappy", "zstd")),
            () -> "" + Producer.features());
    }

    @Test
    void recordsSayWhatTheyHold() {
        Record record = Record.to("topic").key("k").value("v").header("h", "x").partition(3).timestamp(4).build();
        assertEquals("topic", record.topic());
        assertEquals(3, record.partition());
        assertEquals(4L, record.timestamp());
        assertEquals("h", record.headers().get(0).name());
        assertEquals(List.of(new Header("h", new byte[] {'x'})), record.headers());
        assertEquals(new Header("h", new byte[] {'x'}).hashCode(), record.headers().get(0).hashCode());
        assertNotEquals(new Header("h", null), record.headers().get(0));
        assertThrows(UnsupportedOperationException.class, () -> record.headers().clear());
        Record plain = Record.of("topic", (String) null);
        assertNull(plain.key());
        assertNull(plain.value());
        assertNull(plain.partition());
        assertNull(plain.timestamp());
        assertEquals(List.of(), plain.headers());
    }
}
