package sendoff

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"sendoff.org/sendoff/internal/native"
)

// typeOfSecrets is the Setting.Type of those whose values are shown nowhere.
const typeOfSecrets = "password"

// ReloadCredentials loads certificates, keys and passwords anew: with nil from the files that the producer's settings
// name, else from a Config as for NewProducer, of which File and Settings count, as far as they are about TLS and
// logins. Connections that are open go on as they are; later ones, and later logins on open ones, use the new. What
// does not load changes nothing, and the error says what it is. Neither security.protocol nor sasl.mechanism can be
// changed: the error is ErrNotConfigured then, and where a producer has no use for credentials.
//
// It waits for files to be read, and for nothing else.
func (p *Producer) ReloadCredentials(config *Config) error {
	defer runtime.KeepAlive(p)
	var built nativeConfig
	if config != nil {
		var err error
		if built, err = config.build(); err != nil {
			return err
		}
		defer built.free()
	}
	buffer := make([]byte, errorBufferBytes)
	if status := native.Reload_credentials(p.core.handle, uintptr(built), buffer); status != statusOK {
		return errorWithDetail(status, buffer)
	}
	return nil
}

// Format shows all of a configuration but the values of passwords, and of settings that there are none of.
func (c Config) Format(state fmt.State, verb rune) {
	type plain Config
	c.Settings = withoutSecrets(c.Settings)
	fmt.Fprintf(state, fmt.FormatString(state, verb), plain(c))
}

// LogValue shows all of a configuration but the values of passwords, and of settings that there are none of.
func (c Config) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("%+v", c))
}

func withoutSecrets(settings map[string]string) map[string]string {
	if settings == nil {
		return nil
	}
	shown := make(map[string]string, len(settings))
	for name, value := range settings {
		if !harmlessNames()[name] {
			value = hidden
		}
		shown[name] = value
	}
	return shown
}

// harmlessNames are those of settings whose values may be shown.
var harmlessNames = sync.OnceValue(func() map[string]bool {
	names := make(map[string]bool)
	settings, err := Settings()
	if err != nil {
		return names
	}
	for _, setting := range settings {
		names[setting.Name] = setting.Type != typeOfSecrets
	}
	return names
})
