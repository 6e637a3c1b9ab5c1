package org.sendoff;

import java.lang.System.Logger.Level;

/** Where log lines go: the system logger named org.sendoff. */
final class Log {
    private static final System.Logger LOGGER = System.getLogger("org.sendoff");

    /** Syslog's numbers. */
    private static final int ERROR = 3;
    private static final int WARNING = 4;
    private static final int NOTICE = 5;

    private Log() {
    }

    static void write(Level level, String line) {
        write(level, line, null);
    }

    /** Does not throw, whatever the program's logger does: the delivery thread has records to look after. */
    static void write(Level level, String line, Throwable thrown) {
        try {
            LOGGER.log(level, line, thrown);
        } catch (Throwable failure) {
            System.err.println("sendoff: " + line + " (not logged: the logger threw " + failure.getClass().getName()
                + ")");
        }
    }

    /** What the library calls information is for who looks for it, as with Kafka's own producer. */
    static Level level(long number) {
        if (number <= ERROR) {
            return Level.ERROR;
        }
        if (number == WARNING) {
            return Level.WARNING;
        }
        return number == NOTICE ? Level.INFO : Level.DEBUG;
    }
}
