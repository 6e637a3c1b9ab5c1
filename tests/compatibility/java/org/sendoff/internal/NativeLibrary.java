package org.sendoff.internal;

/** Loads the JNI library that the system property names. */
final class NativeLibrary {
    private NativeLibrary() {
    }

    static void load() {
        System.load(System.getProperty("sendoff.library"));
    }
}
