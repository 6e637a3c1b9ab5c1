package org.sendoff;

/** The library's statuses: their names, texts and classes, and the exceptions that they become. */
final class Statuses {
    private Statuses() {
    }

    static String name(int status) {
        throw new UnsupportedOperationException();
    }

    static boolean isRetriable(int status) {
        throw new UnsupportedOperationException();
    }

    static boolean isFatal(int status) {
        throw new UnsupportedOperationException();
    }

    static String version() {
        throw new UnsupportedOperationException();
    }

    static SendoffException exception(int status, Outcome outcome, String what) {
        throw new UnsupportedOperationException();
    }
}
