import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.sendoff.kafka.SendoffProducer;

/**
 * Payments BOOTSTRAP TOPIC: sends a hundred payments keyed by account, through an interceptor that marks and counts
 * them.
 */
public final class Payments {
    private static final int PAYMENTS = 100;
    private static final int ACCOUNTS = 10;

    /** Puts the sending system on each record and counts how they end. */
    public static final class Audit implements ProducerInterceptor<Long, String> {
        static final LongAdder DELIVERED = new LongAdder();
        static final LongAdder FAILED = new LongAdder();

        @Override
        public void configure(Map<String, ?> settings) {
            System.out.println("auditing " + settings.get("client.id"));
        }

        @Override
        public ProducerRecord<Long, String> onSend(ProducerRecord<Long, String> record) {
            record.headers().add("system", new byte[] {'t', 'i', 'l', 'l'});
            return record;
        }

        @Override
        public void onAcknowledgement(RecordMetadata metadata, Exception exception) {
            (exception == null ? DELIVERED : FAILED).increment();
        }

        @Override
        public void close() {
            System.out.println("delivered " + DELIVERED + ", failed " + FAILED);
        }
    }

    private Payments() {
    }

    public static void main(String[] arguments) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("client.id", "payments");
        settings.put("compression.type", "zstd");
        settings.put("max.request.size", "10000");
        settings.put("interceptor.classes", List.of(Audit.class));
        settings.put("key.serializer", LongSerializer.class.getName());
        settings.put("value.serializer", StringSerializer.class.getName());

        try (Producer<Long, String> producer = new SendoffProducer<>(settings)) {
            for (long payment = 0; payment < PAYMENTS; payment++) {
                producer.send(new ProducerRecord<>(arguments[1], payment % ACCOUNTS, "payment " + payment));
            }
            producer.send(new ProducerRecord<>(arguments[1], 0L, "x".repeat(20_000)), (metadata, exception) -> {
                if (exception instanceof RecordTooLargeException) {
                    System.out.println("too large for " + metadata.topic());
                }
            });
        }
    }
}
