import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.apache.kafka.common.utils.Utils;

/**
 * Prints the vectors of partition_vectors.txt: a key as hexadecimal digits ("-" for the empty one) and what Kafka's own
 * murmur2 makes of it. Run with kafka-clients on the class path:
 * java -cp ... PartitionVectors.java > partition_vectors.txt
 */
public final class PartitionVectors {
    public static void main(String[] arguments) {
        for (String key : new String[] {"", "a", "ab", "abc", "abcd", "21", "foobar", "a-little-bit-long-string",
                "kafka", "user-0000000042", "d\u00e9j\u00e0 vu", "\u65e5\u672c\u8a9e"}) {
            print(key.getBytes(StandardCharsets.UTF_8));
        }
        Random random = new Random(794);
        for (int size = 1; size <= 64; size++) {
            byte[] key = new byte[size];
            random.nextBytes(key);
            print(key);
        }
        for (int bits = 0; bits < 256; bits += 15) {
            print(new byte[] {(byte) bits, (byte) ~bits, (byte) bits});
        }
        byte[] large = new byte[1000];
        random.nextBytes(large);
        print(large);
    }

    private static void print(byte[] key) {
        System.out.println((key.length == 0 ? "-" : HexFormat.of().formatHex(key)) + " " + Utils.murmur2(key));
    }
}
