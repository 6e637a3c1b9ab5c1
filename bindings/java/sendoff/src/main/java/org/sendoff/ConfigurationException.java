package org.sendoff;

/** A setting is unknown, has a value that is not allowed, or contradicts another one. */
public final class ConfigurationException extends SendoffException {
    private static final long serialVersionUID = 1;

    /** The setting's name, or null. */
    private final String setting;

    ConfigurationException(int code, String setting, String message) {
        super(code, Outcome.NOT_DELIVERED, message);
        this.setting = setting;
    }

    /**
     * The setting at fault.
     *
     * @return its name, or null where the message names several that contradict each other
     */
    public String setting() {
        return setting;
    }
}
