package org.sendoff;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Collects the log lines of one producer, whose client id they begin with, and the exceptions in them. */
final class LogLines extends Handler implements AutoCloseable {
    private static final Logger LOGGER = Logger.getLogger("org.sendoff"); // which would be collected as garbage

    private final String client;
    private final StringWriter text = new StringWriter();

    LogLines(String client) {
        this.client = client + ": ";
        LOGGER.addHandler(this);
        LOGGER.setLevel(Level.ALL);
    }

    String text() {
        return text.toString();
    }

    @Override
    public void publish(LogRecord line) {
        if (!line.getMessage().startsWith(client)) {
            return;
        }
        PrintWriter writer = new PrintWriter(text);
        writer.println(line.getMessage());
        if (line.getThrown() != null) {
            line.getThrown().printStackTrace(writer);
        }
    }

    @Override
    public void flush() {
    }

    @Override
    public void close() {
        LOGGER.removeHandler(this);
    }
}
