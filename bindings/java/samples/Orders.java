import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.sendoff.Delivery;
import org.sendoff.Producer;
import org.sendoff.Record;

/** Orders BROKERS TOPIC: records with keys and headers, their futures, and a tombstone for a cancelled order. */
public final class Orders {
    private static final int ORDERS = 20;

    private Orders() {
    }

    public static void main(String[] arguments) {
        String topic = arguments[1];
        try (Producer producer = new Producer(Map.of("bootstrap.servers", arguments[0], "client.id", "orders"))) {
            producer.connect(Duration.ofSeconds(30)); // to know now, not later, that the brokers are there
            List<CompletableFuture<Delivery>> deliveries = new ArrayList<>();
            for (int number = 1; number <= ORDERS; number++) {
                Record order = Record.to(topic).key("order-" + number).value("{\"total\": " + number * 10 + "}")
                    .header("content-type", "application/json").build();
                deliveries.add(producer.send(order));
            }
            Record cancelled = Record.to(topic).key("order-7").build();
            deliveries.add(producer.send(cancelled));
            for (CompletableFuture<Delivery> delivery : deliveries) {
                System.out.println(delivery.join());
            }
            System.out.println(producer.counters().recordsDelivered() + " delivered to "
                + producer.partitionsFor(topic, Duration.ofSeconds(30)).size() + " partitions");
        }
    }
}
