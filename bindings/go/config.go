package sendoff

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendoff.org/sendoff/internal/native"
)

// Config says how to make a Producer. Brokers, or bootstrap.servers in Settings or File, must be set; the zero value of
// everything else is a safe default: idempotence and acks=all, so that nothing is lost, doubled or reordered.
type Config struct {
	// Brokers to ask first, as host:port. The others are learned from them.
	Brokers []string

	// ClientID by which brokers name this client in their logs, metrics and quotas.
	ClientID string

	// Settings by Kafka's names, for instance "linger.ms": "10". CONFIGURATION.md of Sendoff lists all, and so does
	// the function Settings. One for a single topic is written "topic.NAME.setting". They overrule File, and Brokers
	// and ClientID overrule them. delivery.report.mode is the package's own, and shutdown.signals is replaced by
	// CloseOnSignal.
	Settings map[string]string

	// File with settings in Java's .properties form.
	File string

	// Logger for log lines of the producer. nil means slog.Default, and then only warnings and errors, unless
	// log.level is set. It may be called at any time and from several goroutines.
	Logger *slog.Logger

	// TokenProvider gives tokens for sasl.mechanism=OAUTHBEARER.
	TokenProvider TokenProvider
}

const (
	quietLevel       = "4" // of syslog's: warnings and what is worse
	reportMode       = "delivery.report.mode"
	signalsSetting   = "shutdown.signals"
	leniency         = "unknown.settings"
	errorBufferBytes = 1024
)

// nativeConfig is a configuration of the C library; it belongs to one goroutine.
type nativeConfig uintptr

// build makes the library's configuration; the caller frees it.
func (c Config) build() (nativeConfig, error) {
	var handle uintptr
	if status := native.Config_create(&handle); status != statusOK {
		return 0, errorOf(status, 0)
	}
	config := nativeConfig(handle)
	if err := config.apply(c); err != nil {
		config.free()
		return 0, err
	}
	return config, nil
}

func (n nativeConfig) free() {
	native.Config_destroy(uintptr(n))
}

func (n nativeConfig) apply(c Config) error {
	if c.Logger == nil {
		if err := n.set("log.level", quietLevel); err != nil {
			return err
		}
	}
	if strings.Contains(c.File, "\x00") {
		return &Error{Code: statusInvalidSetting, Detail: fmt.Sprintf("File %q: holds a zero byte", c.File)}
	}
	if c.File != "" {
		buffer := make([]byte, errorBufferBytes)
		if status := native.Config_load_file(uintptr(n), c.File, buffer); status != statusOK {
			return errorWithDetail(status, buffer)
		}
	}
	if err := n.setAll(c.Settings); err != nil {
		return err
	}
	if len(c.Brokers) > 0 {
		if err := n.set("bootstrap.servers", strings.Join(c.Brokers, ",")); err != nil {
			return err
		}
	}
	if c.ClientID != "" {
		if err := n.set("client.id", c.ClientID); err != nil {
			return err
		}
	}
	return n.claimOwn()
}

// setAll sets in the order of names, but whether unknown names are allowed before the names that it is about.
func (n nativeConfig) setAll(settings map[string]string) error {
	names := slices.Sorted(maps.Keys(settings))
	if at := slices.Index(names, leniency); at >= 0 {
		names = append([]string{leniency}, slices.Delete(names, at, at+1)...)
	}
	for _, name := range names {
		if err := n.set(name, settings[name]); err != nil {
			return err
		}
	}
	return nil
}

// claimOwn sets what the package depends on, and refuses other wishes about it.
func (n nativeConfig) claimOwn() error {
	mode, err := n.get(reportMode)
	if err != nil {
		return err
	}
	if mode != "auto" && mode != "queue" {
		return &Error{Code: statusInvalidSetting,
			Detail: fmt.Sprintf("%s=%s: in Go deliveries always reach the callback given to Produce", reportMode, mode)}
	}
	signals, err := n.get(signalsSetting)
	if err != nil {
		return err
	}
	if signals != "" {
		return &Error{Code: statusInvalidSetting,
			Detail: fmt.Sprintf("%s=%s: in Go signals belong to os/signal: call CloseOnSignal", signalsSetting, signals)}
	}
	return n.set(reportMode, "queue")
}

func (n nativeConfig) set(name, value string) error {
	if strings.Contains(name, "\x00") || strings.Contains(value, "\x00") { // the value may be a password
		return &Error{Code: statusInvalidSetting, Detail: fmt.Sprintf("%q: holds a zero byte", name)}
	}
	buffer := make([]byte, errorBufferBytes)
	if status := native.Config_set(uintptr(n), name, value, buffer); status != statusOK {
		return errorWithDetail(status, buffer)
	}
	return nil
}

// get returns the effective value of a setting.
func (n nativeConfig) get(name string) (string, error) {
	buffer := make([]byte, 256)
	var needed uint64
	status := native.Config_get(uintptr(n), name, buffer, &needed)
	if status == statusOK && needed >= uint64(len(buffer)) {
		buffer = make([]byte, needed+1)
		status = native.Config_get(uintptr(n), name, buffer, &needed)
	}
	if status != statusOK {
		return "", &Error{Code: status, Detail: name}
	}
	text, _, _ := bytes.Cut(buffer, []byte{0})
	return string(text), nil
}

// duration reads a setting in milliseconds.
func (n nativeConfig) duration(name string) (time.Duration, error) {
	text, err := n.get(name)
	if err != nil {
		return 0, err
	}
	milliseconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, &Error{Code: statusInvalidSetting, Detail: fmt.Sprintf("%s=%s: is no number", name, text)}
	}
	const longest = time.Duration(1<<63 - 1)
	if milliseconds >= float64(longest/time.Millisecond) {
		return longest, nil
	}
	return time.Duration(milliseconds * float64(time.Millisecond)), nil
}
