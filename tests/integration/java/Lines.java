import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;

/** A text file of at most 2 GiB, addressed by line; see lines.py for the form of a line. */
final class Lines {
    private final MappedByteBuffer text;
    private int[] starts = new int[1024];
    private int count;

    Lines(Path path) throws IOException {
        try (FileChannel file = FileChannel.open(path)) {
            text = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size());
        }
        for (int at = 0; at < text.limit();) {
            if (count + 1 >= starts.length) {
                starts = Arrays.copyOf(starts, 2 * starts.length);
            }
            starts[count++] = at;
            while (at < text.limit() && text.get(at) != '\n') {
                at++;
            }
            starts[count] = ++at;
        }
    }

    int count() {
        return count;
    }

    byte[] line(int index) {
        byte[] line = new byte[starts[index + 1] - starts[index] - 1];
        text.get(starts[index], line);
        return line;
    }

    /** The bytes after " name=" up to the next space, or null. */
    static byte[] field(byte[] line, String name) {
        byte[] mark = (name + "=").getBytes();
        for (int at = 0; at + mark.length <= line.length; at++) {
            boolean begins = at == 0 || line[at - 1] == ' ';
            if (begins && Arrays.equals(line, at, at + mark.length, mark, 0, mark.length)) {
                int end = at + mark.length;
                while (end < line.length && line[end] != ' ') {
                    end++;
                }
                return Arrays.copyOfRange(line, at + mark.length, end);
            }
        }
        return null;
    }

    /** A field as a number from 0, or -1. */
    static long number(byte[] line, String name) {
        byte[] digits = field(line, name);
        if (digits == null || digits.length == 0 || digits.length > 18) {
            return -1;
        }
        long number = 0;
        for (byte digit : digits) {
            if (digit < '0' || digit > '9') {
                return -1;
            }
            number = 10 * number + (digit - '0');
        }
        return number;
    }
}
