import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * LineProducer BOOTSTRAP TOPIC FILE [@SETTINGS] [name=value ...]: sends each line with the key that it names, by
 * Kafka's own producer. SETTINGS is a .properties file. Exits with 1 if not all were delivered.
 */
public final class LineProducer {
    public static void main(String[] arguments) throws IOException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        for (int i = 3; i < arguments.length; i++) {
            if (arguments[i].startsWith("@")) {
                try (Reader file = Files.newBufferedReader(Path.of(arguments[i].substring(1)))) {
                    settings.load(file);
                }
                continue;
            }
            int equals = arguments[i].indexOf('=');
            settings.put(arguments[i].substring(0, equals), arguments[i].substring(equals + 1));
        }
        Lines lines = new Lines(Path.of(arguments[2]));
        LongAdder failed = new LongAdder();
        ByteArraySerializer bytes = new ByteArraySerializer();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes)) {
            for (int i = 0; i < lines.count(); i++) {
                byte[] line = lines.line(i);
                producer.send(new ProducerRecord<>(arguments[1], Lines.field(line, "key"), line), (metadata, error) -> {
                    if (error != null) {
                        failed.increment();
                    }
                });
            }
        }
        System.out.printf("{\"sent\": %d, \"failed\": %d}%n", lines.count(), failed.sum());
        System.exit(failed.sum() == 0 ? 0 : 1);
    }
}
