package org.sendoff.internal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/**
 * Loads the library that the jar carries, once: it is copied to a temporary file, loaded, and the file deleted at
 * once. The system property {@code sendoff.library} names another file instead.
 */
final class NativeLibrary {
    private static final String OVERRIDE = "sendoff.library";
    private static final String FILE = "libsendoff_jni.so";

    private NativeLibrary() {
    }

    static void load() {
        String override = System.getProperty(OVERRIDE);
        if (override != null) {
            System.load(Path.of(override).toAbsolutePath().toString());
        } else {
            loadResource("/natives/" + platform() + "/" + FILE);
        }
        if (SendoffNativeJNI.abi_version() != SendoffNativeJNI.ABI_VERSION_get()) {
            throw new UnsatisfiedLinkError("the library has ABI version " + SendoffNativeJNI.abi_version()
                + ", this package was made for " + SendoffNativeJNI.ABI_VERSION_get());
        }
    }

    private static void loadResource(String resource) {
        try (InputStream library = NativeLibrary.class.getResourceAsStream(resource)) {
            if (library == null) {
                throw new UnsatisfiedLinkError("there is no library for this platform in the jar: " + resource
                    + "; build one and name it with -D" + OVERRIDE + "=FILE");
            }
            Path file = Files.createTempFile("sendoff", ".so");
            try {
                Files.copy(library, file, StandardCopyOption.REPLACE_EXISTING);
                System.load(file.toString());
            } finally {
                Files.delete(file);
            }
        } catch (IOException exception) {
            throw unsatisfied("the library cannot be copied to " + System.getProperty("java.io.tmpdir")
                + "; name another folder with -Djava.io.tmpdir=FOLDER", exception);
        }
    }

    private static UnsatisfiedLinkError unsatisfied(String message, IOException cause) {
        UnsatisfiedLinkError error = new UnsatisfiedLinkError(message);
        error.initCause(cause);
        return error;
    }

    /** Such as linux-amd64, in Java's own words for processors. */
    private static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String processor = System.getProperty("os.arch");
        return system + "-" + ("x86_64".equals(processor) ? "amd64" : processor);
    }
}
