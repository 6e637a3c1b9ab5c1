import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;

/** Record batches as Kafka's own builder makes them: batch_NAME.hex, lines of 64 bytes. */
final class GoldenBatches {
    private static final int BYTES_PER_LINE = 64;
    private static final long BASE_TIME_MS = 1700000000000L;
    private static final Header[] NO_HEADERS = {};

    private GoldenBatches() {
    }

    static void write(Path folder) throws IOException {
        writeHex(folder, "plain", plain());
        writeHex(folder, "transactional", transactional());
        writeHex(folder, "gzip", text(Compression.gzip().build()));
        writeHex(folder, "snappy", text(Compression.snappy().build()));
        writeHex(folder, "lz4", text(Compression.lz4().build()));
        writeHex(folder, "zstd", text(Compression.zstd().build()));
    }

    /** Null and empty keys and values, headers, timestamps on both sides of the first, varints of several sizes. */
    private static ByteBuffer plain() {
        MemoryRecordsBuilder builder = builder(Compression.NONE, 42, (short) 3, 1000, false);
        builder.append(BASE_TIME_MS, bytes("key"), bytes("value"), NO_HEADERS);
        builder.append(BASE_TIME_MS - 1, null, bytes("null key"), NO_HEADERS);
        builder.append(BASE_TIME_MS - 1000000, bytes("null value"), null, NO_HEADERS);
        builder.append(BASE_TIME_MS + 63, (byte[]) null, null, NO_HEADERS);
        builder.append(BASE_TIME_MS + 64, bytes(""), bytes(""), NO_HEADERS);
        builder.append(BASE_TIME_MS + 100000000000L, bytes("k".repeat(63)), bytes("v".repeat(64)), NO_HEADERS);
        builder.append(0, bytes("headers"), bytes("v".repeat(10000)), new Header[] {
            new RecordHeader("trace", bytes("abc")), new RecordHeader("trace", bytes("again")),
            new RecordHeader("", bytes("")), new RecordHeader("null", null)});
        return builder.build().buffer();
    }

    private static ByteBuffer transactional() {
        MemoryRecordsBuilder builder =
            builder(Compression.NONE, Long.MAX_VALUE, Short.MAX_VALUE, Integer.MAX_VALUE, true);
        builder.append(-1, null, bytes("no timestamp"), NO_HEADERS);
        return builder.build().buffer();
    }

    /** More than the blocks of any codec hold: 64 KiB in lz4, 32 KiB in snappy. */
    private static ByteBuffer text(Compression compression) {
        MemoryRecordsBuilder builder = builder(compression, 42, (short) 3, 1000, false);
        for (int i = 0; i < 600; i++) {
            String value = "{\"order\":" + i + ",\"customer\":\"customer-" + i % 17 + "\",\"price\":" + i * 37 % 1009
                + ",\"text\":\"what is accepted is sent, and nothing is sent twice\"}";
            builder.append(BASE_TIME_MS + i, bytes("order-" + i), bytes(value), NO_HEADERS);
        }
        return builder.build().buffer();
    }

    private static MemoryRecordsBuilder builder(Compression compression, long producerId, short producerEpoch,
                                                int baseSequence, boolean isTransactional) {
        return new MemoryRecordsBuilder(ByteBuffer.allocate(1 << 18), RecordBatch.MAGIC_VALUE_V2, compression,
            TimestampType.CREATE_TIME, 0, RecordBatch.NO_TIMESTAMP, producerId, producerEpoch, baseSequence,
            isTransactional, false, RecordBatch.NO_PARTITION_LEADER_EPOCH, 1 << 18);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void writeHex(Path folder, String name, ByteBuffer batch) throws IOException {
        StringBuilder lines = new StringBuilder();
        byte[] content = new byte[batch.remaining()];
        batch.get(content);
        for (int from = 0; from < content.length; from += BYTES_PER_LINE) {
            int to = Math.min(from + BYTES_PER_LINE, content.length);
            lines.append(HexFormat.of().formatHex(content, from, to)).append('\n');
        }
        Files.writeString(folder.resolve("batch_" + name + ".hex"), lines);
    }
}
