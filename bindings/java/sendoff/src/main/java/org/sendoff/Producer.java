package org.sendoff;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;

/**
 * Sends records to Kafka. All methods may be called by any thread at any time.
 *
 * <pre>{@code
 * try (Producer producer = new Producer(Map.of("bootstrap.servers", "localhost:9092"))) {
 *     producer.send(Record.of("greetings", "hello"));
 * }
 * }</pre>
 *
 * <p><b>Nothing is lost by forgetting.</b> {@link #close()} waits for everything that was accepted. A producer that
 * is not closed sends what it accepted when the program ends (a shutdown hook waits up to {@code
 * shutdown.timeout.ms}, and callbacks still run then, unless {@code shutdown.callbacks} is false), and when it
 * becomes unreachable, which is logged as the leak that it is. Hooks of the program's own may send and close meanwhile.
 *
 * <p><b>Waits.</b> {@code send} waits for memory only, at most {@code max.block.ms}, and never for the network. A
 * thread that waits in a method of this class can be interrupted: the method throws an {@link InterruptException}.
 *
 * <p><b>Log lines</b> go to the {@link System.Logger} named {@code org.sendoff}.
 */
public final class Producer implements AutoCloseable {
    /** Lets {@link #send(String, int, long, byte[], byte[], List, Callback)} leave the choice to the partitioner. */
    public static final int ANY_PARTITION = -1;

    /** Lets {@link #send(String, int, long, byte[], byte[], List, Callback)} take the time of the call. */
    public static final long NOW = -1;

    private static final Cleaner CLEANER = Cleaner.create();

    private final ProducerCore core;
    private final Cleaner.Cleanable cleanable;

    /**
     * Starts a producer; does not wait for the network.
     *
     * @param settings Kafka's own names, such as {@code bootstrap.servers} and {@code linger.ms}; values are taken as
     *     text, lists joined by commas, and char arrays, which may be cleared afterwards, as what they spell
     * @throws ConfigurationException if a setting is unknown or its value not allowed, naming it
     */
    public Producer(Map<String, ?> settings) {
        this(settings, null);
    }

    /**
     * Starts a producer that logs in with tokens of the program's; does not wait for the network.
     *
     * @param settings as for {@link #Producer(Map)}, with {@code sasl.mechanism=OAUTHBEARER}
     * @param tokenProvider gives the tokens; null is none
     * @throws ConfigurationException if a setting is unknown or its value not allowed, naming it, or if nobody would
     *     ask the provider
     */
    public Producer(Map<String, ?> settings, TokenProvider tokenProvider) {
        this(Settings.of(settings), tokenProvider);
    }

    /**
     * Starts a producer; does not wait for the network.
     *
     * @param settings as for {@link #Producer(Map)}, with the defaults that they may have
     * @throws ConfigurationException if a setting is unknown or its value not allowed, naming it
     */
    public Producer(Properties settings) {
        this(settings, null);
    }

    /**
     * Starts a producer that logs in with tokens of the program's; does not wait for the network.
     *
     * @param settings as for {@link #Producer(Map, TokenProvider)}, with the defaults that they may have
     * @param tokenProvider gives the tokens; null is none
     * @throws ConfigurationException if a setting is unknown or its value not allowed, naming it, or if nobody would
     *     ask the provider
     */
    public Producer(Properties settings, TokenProvider tokenProvider) {
        this(Settings.of(settings), tokenProvider);
    }

    private Producer(Settings settings, TokenProvider tokenProvider) {
        core = ProducerCore.start(settings, tokenProvider);
        cleanable = CLEANER.register(this, core::leaked);
    }

    /**
     * Sends a record and gives a future of its delivery.
     *
     * <p>The future completes on the delivery thread, where its dependents run as {@link Callback}s do. It completes
     * with a {@link SendoffException} if the record was not delivered or may not have been. Cancelling it does not
     * recall the record.
     *
     * @param record the record
     * @return the future of its delivery
     * @throws BufferFullException if there was no memory within {@code max.block.ms}
     * @throws RecordTooLargeException if it is larger than {@code max.request.size}
     * @throws ClosedException if the producer is closed
     * @throws InterruptException if the thread was interrupted while it waited for memory
     * @throws SendoffException if it was refused for another reason; a refused record was not accepted
     */
    public CompletableFuture<Delivery> send(Record record) {
        DeliveryFuture future = new DeliveryFuture();
        send(record, future);
        return future;
    }

    /**
     * Sends a record and has a callback called when its outcome is known.
     *
     * @param record the record
     * @param callback called once on the delivery thread, or null
     * @throws SendoffException as {@link #send(Record)}; then the callback is not called
     */
    public void send(Record record, Callback callback) {
        Integer partition = record.partition();
        Long timestamp = record.timestamp();
        send(record.topic(), partition == null ? ANY_PARTITION : partition, timestamp == null ? NOW : timestamp,
            record.key(), record.value(), record.headers(), callback);
    }

    /**
     * Sends what a record would hold without making one; for frameworks.
     *
     * @param topic the topic's name
     * @param partition the partition, or {@link #ANY_PARTITION}
     * @param timestamp milliseconds since 1970, or {@link #NOW}
     * @param key the key, or null
     * @param value the value, or null
     * @param headers the headers in order; not null
     * @param callback called once on the delivery thread, or null
     * @throws SendoffException as {@link #send(Record)}; then the callback is not called
     */
    public void send(String topic, int partition, long timestamp, byte[] key, byte[] value, List<Header> headers,
                     Callback callback) {
        try {
            core.send(topic, partition, timestamp, key, value, headers, callback);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Sends what lingers at once and waits until every record accepted before has had its callback run. Called from a
     * callback, it cannot wait for itself and only sends what lingers.
     *
     * @throws InterruptException if the thread was interrupted
     * @throws ClosedException if the producer is closed and has ended
     */
    public void flush() {
        try {
            core.flush(null);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * As {@link #flush()}, for a limited time.
     *
     * @param timeout how long to wait at most; zero only sends what lingers
     * @throws TimeoutException if records are still on their way; they stay accepted
     * @throws InterruptException if the thread was interrupted
     * @throws ClosedException if the producer is closed and has ended
     */
    public void flush(Duration timeout) {
        try {
            core.flush(timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Refuses further records, waits until every accepted one has had its callback run, which {@code
     * delivery.timeout.ms} limits, and ends the producer. Further calls do the same or nothing. Called from a
     * callback, it acts as {@code close(Duration.ZERO)}, without waiting.
     *
     * @throws InterruptException if the thread was interrupted; what was accepted is still sent, and the producer ends
     *     when that is done
     */
    @Override
    public void close() {
        close(null);
    }

    /**
     * As {@link #close()}, for a limited time, after which what is left is given up: each such record has its
     * callback run with an exception that says whether it may have been written.
     *
     * @param timeout how long to wait at most, or null for as long as {@link #close()}; zero gives up at once what was
     *     not acknowledged. Giving up may take a second longer
     * @return true if nothing had to be given up and all callbacks have run; within a callback, those before it
     * @throws IllegalArgumentException if the time is negative; then the producer stays open
     * @throws InterruptException as {@link #close()}
     */
    public boolean close(Duration timeout) {
        Deadline deadline = Deadline.in(timeout);
        try {
            return core.close(deadline);
        } finally {
            cleanable.clean();
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Waits until a broker has answered, for a program that wants to know when it starts that the names and ports are
     * right. Nothing else needs it.
     *
     * @param timeout how long to wait at most
     * @throws TimeoutException if none has answered; the message has the last failure
     * @throws InterruptException if the thread was interrupted
     * @throws ClosedException if the producer is closed
     */
    public void connect(Duration timeout) {
        try {
            core.connect(timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Tells a topic's partitions, and waits for the cluster to tell if they are not known yet.
     *
     * @param topic the topic's name
     * @param timeout how long to wait at most
     * @return the partitions in their order
     * @throws BrokerException if the cluster has no such topic or does not show it
     * @throws TimeoutException if the cluster has not answered
     * @throws InterruptException if the thread was interrupted
     * @throws ClosedException if the producer is closed
     */
    public List<PartitionInfo> partitionsFor(String topic, Duration timeout) {
        try {
            return core.partitionsFor(topic, timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Loads certificates, keys and passwords anew from the files that the settings name. Connections that are open go
     * on as they are; later ones, and later logins on open ones, use the new. What does not load changes nothing. Waits
     * for files to be read, and for nothing else.
     *
     * @throws ConfigurationException if something does not load, which it says
     * @throws ClosedException if the producer is closed
     * @throws SendoffException if the producer has no use for credentials, or a file cannot be read
     */
    public void reloadCredentials() {
        try {
            core.reloadCredentials(null);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * As {@link #reloadCredentials()}, from settings as for {@link #Producer(Map)}, of which those of TLS and logins
     * count. Neither {@code security.protocol} nor {@code sasl.mechanism} can be changed.
     *
     * @param settings the settings, those that stay as they are included
     * @throws ConfigurationException if a setting is not allowed or something does not load, which it says
     * @throws ClosedException if the producer is closed
     * @throws SendoffException if the producer has no use for these, or a file cannot be read
     */
    public void reloadCredentials(Map<String, ?> settings) {
        try {
            core.reloadCredentials(Settings.of(settings));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Reads what the producer has done so far. Does not wait; after {@link #close()} it gives the last state.
     *
     * @return the counters
     */
    public Counters counters() {
        try {
            return core.counters();
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * The settings that hold, defaults included.
     *
     * @return an unmodifiable map from Kafka's names to text, without settings that have no default and were not set;
     *     the text of a password is {@code [hidden]}
     */
    public Map<String, String> settings() {
        return core.settings();
    }

    /**
     * The settings that exist.
     *
     * @return all of them, aliases and names without a meaning included
     */
    public static List<Setting> knownSettings() {
        return Settings.known();
    }

    /**
     * The version of the library inside.
     *
     * @return for example {@code 1.1.0}
     */
    public static String version() {
        return Statuses.version();
    }

    /**
     * What the library inside was built with.
     *
     * @return in alphabetical order the codecs that it has ({@code gzip}, {@code lz4}, {@code snappy}, {@code zstd}),
     *     and {@code tls} with TLS and logins; later versions may name more
     */
    public static List<String> features() {
        return Statuses.features();
    }
}
