package org.apache.kafka.storage.internals.log;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.utils.Time;

/**
 * ProducerStates FOLDER: Kafka's own memory of producers, without a broker around it. A command a line, an answer a
 * line:
 *
 * <pre>
 *   append LOG BATCH     ERROR_CODE BASE_OFFSET LOG_APPEND_TIME END_OFFSET     (the batch in hexadecimal digits)
 *   end LOG              END_OFFSET
 *   describe LOG         known PRODUCER_ID:EPOCH:LAST_SEQUENCE:LAST_TIMESTAMP...
 *   drop LOG             ok                                                    (the topic is deleted)
 *   restart clean NOW    ok                                                    (all logs, as after SIGTERM)
 *   restart kill NOW     ok                                                    (as after SIGKILL)
 *   expire NOW           ok                                                    (what a broker does from time to time)
 * </pre>
 *
 * It stands in Kafka's package because the search for duplicates is not public. What UnifiedLog does around an append,
 * and LogLoader around a start, is done here in their order.
 */
public final class ProducerStates {
    private static final int DAY_MS = 24 * 3600 * 1000;
    private static final int TRANSACTION_TIMEOUT_MS = 900 * 1000;

    /** A log: its batches and the producers that wrote them. */
    private static final class Log {
        final File folder;
        final List<MutableRecordBatch> batches = new ArrayList<>();
        ProducerStateManager producers;
        long endOffset;

        Log(File folder) throws IOException {
            this.folder = folder;
            this.producers = load(folder);
        }
    }

    private final Path home;
    private final Map<String, Log> logs = new HashMap<>();
    private int folderCount;

    private ProducerStates(Path home) {
        this.home = home;
    }

    public static void main(String[] arguments) throws IOException {
        ProducerStates states = new ProducerStates(Path.of(arguments[0]));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            System.out.println(states.obey(line.split(" ")));
            System.out.flush();
        }
    }

    private String obey(String[] words) throws IOException {
        switch (words[0]) {
            case "append":
                return append(log(words[1]), HexFormat.of().parseHex(words[2]));
            case "end":
                return Long.toString(log(words[1]).endOffset);
            case "describe":
                return describe(log(words[1]));
            case "drop":
                logs.remove(words[1]);
                return "ok";
            case "restart":
                for (Log log : logs.values()) {
                    restart(log, words[1].equals("clean"), Long.parseLong(words[2]));
                }
                return "ok";
            case "expire":
                for (Log log : logs.values()) {
                    log.producers.removeExpiredProducers(Long.parseLong(words[1]));
                }
                return "ok";
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    private Log log(String name) throws IOException {
        Log log = logs.get(name);
        if (log == null) {
            log = new Log(Files.createDirectory(home.resolve("log-" + folderCount++)).toFile());
            logs.put(name, log);
        }
        return log;
    }

    private static ProducerStateManager load(File folder) throws IOException {
        return new ProducerStateManager(new TopicPartition("topic", 0), folder, TRANSACTION_TIMEOUT_MS,
            new ProducerStateManagerConfig(DAY_MS, false), Time.SYSTEM);
    }

    private static String append(Log log, byte[] bytes) {
        MutableRecordBatch batch = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches().iterator().next();
        if (batch.hasProducerId()) {
            Optional<BatchMetadata> known =
                log.producers.lastEntry(batch.producerId()).flatMap(entry -> entry.findDuplicateBatch(batch));
            if (known.isPresent()) {
                return answer(0, known.get().firstOffset(), known.get().timestamp(), log);
            }
        }
        long baseOffset = log.endOffset;
        batch.setLastOffset(baseOffset + batch.countOrNull() - 1);
        try {
            take(log.producers, batch, AppendOrigin.CLIENT);
        } catch (ApiException refusal) {
            return answer(Errors.forException(refusal).code(), -1, -1, log);
        }
        log.batches.add(batch);
        log.endOffset = batch.nextOffset();
        return answer(0, baseOffset, -1, log);
    }

    private static String describe(Log log) {
        StringBuilder text = new StringBuilder("known");
        for (ProducerStateEntry entry : log.producers.activeProducers().values()) {
            text.append(' ').append(entry.producerId()).append(':').append(entry.producerEpoch()).append(':')
                .append(entry.lastSeq()).append(':').append(entry.lastTimestamp());
        }
        return text.toString();
    }

    private static void take(ProducerStateManager producers, MutableRecordBatch batch, AppendOrigin origin) {
        if (batch.hasProducerId()) {
            ProducerAppendInfo append = producers.prepareUpdate(batch.producerId(), origin);
            append.append(batch, Optional.empty());
            producers.update(append);
        }
        producers.updateMapEndOffset(batch.nextOffset());
    }

    private static void restart(Log log, boolean clean, long nowMs) throws IOException {
        if (!clean) {
            /* A log that was not closed is recovered from its records first. */
            log.producers = load(log.folder);
            for (MutableRecordBatch batch : log.batches) {
                take(log.producers, batch, AppendOrigin.REPLICATION);
            }
        }
        log.producers.takeSnapshot();
        log.producers = load(log.folder);
        log.producers.truncateAndReload(0, log.endOffset, nowMs);
    }

    private static String answer(int errorCode, long baseOffset, long appendTime, Log log) {
        return errorCode + " " + baseOffset + " " + appendTime + " " + log.endOffset;
    }
}
