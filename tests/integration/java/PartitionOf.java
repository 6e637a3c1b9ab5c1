import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * PartitionOf BOOTSTRAP TOPIC KEYS: sends one record for each key (a line of hexadecimal digits) by Kafka's own
 * producer and prints the partition that each landed on, a line each.
 */
public final class PartitionOf {
    public static void main(String[] arguments) throws IOException, ExecutionException, InterruptedException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        Lines keys = new Lines(Path.of(arguments[2]));
        List<Future<RecordMetadata>> results = new ArrayList<>();
        ByteArraySerializer bytes = new ByteArraySerializer();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes)) {
            for (int i = 0; i < keys.count(); i++) {
                byte[] key = HexFormat.of().parseHex(new String(keys.line(i)));
                results.add(producer.send(new ProducerRecord<>(arguments[1], key, new byte[] {'v'})));
            }
        }
        StringBuilder output = new StringBuilder();
        for (Future<RecordMetadata> result : results) {
            output.append(result.get().partition()).append('\n');
        }
        System.out.print(output);
    }
}
