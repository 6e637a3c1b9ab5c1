package sendoff_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sendoff.org/sendoff"
)

// user is who logs in; the brokers of the tests know no other.
const user = "alice"

// notLetIn is what the log says of a login that failed.
const notLetIn = "did not let the producer in"

// secure is a configuration for one of Apache Kafka's listeners: "mtls", "scram" or "tokens".
func secure(t testing.TB, listener string, settings ...string) sendoff.Config {
	t.Helper()
	folder := os.Getenv("SENDOFF_TEST_SECURE")
	if folder == "" {
		t.Fatal("SENDOFF_TEST_SECURE is not set: run the tests under bindings/with-brokers")
	}
	config := configOf("", settings...)
	config.Brokers = nil
	config.File = filepath.Join(folder, listener+".properties")
	return config
}

// open makes a producer that is closed, or given up, when the test ends.
func open(t testing.TB, config sendoff.Config) *sendoff.Producer {
	t.Helper()
	producer, err := sendoff.NewProducer(config)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = producer.CloseContext(ctx) // what is left was to stay
	})
	return producer
}

// sendTen sends ten records and expects them to arrive.
func sendTen(t testing.TB, producer *sendoff.Producer) {
	t.Helper()
	topic := newTopic()
	for i := range 10 {
		_, err := producer.ProduceSync(deadline(t), &sendoff.Record{Topic: topic, Value: numbered(i)})
		must(t, err)
	}
	if lines := consume(t, brokerOf(t, "SENDOFF_TEST_KAFKA"), topic, "%s"); len(lines) != 10 {
		t.Errorf("%d of 10 were read back", len(lines))
	}
}

// tokenFor is a token that nobody has signed, as Kafka's own validator for tests takes it.
func tokenFor(name string, life time.Duration) sendoff.Token {
	now := time.Now()
	claims := fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, name, now.Unix(), now.Add(life).Unix()+1)
	encode := base64.RawURLEncoding.EncodeToString
	return sendoff.Token{Value: encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + ".",
		Expires: now.Add(life), Principal: name}
}

func TestCertificatesOfBothSides(t *testing.T) {
	sendTen(t, open(t, secure(t, "mtls")))
}

func TestPasswordOverTLS(t *testing.T) {
	sendTen(t, open(t, secure(t, "scram")))
}

func TestTokensOfAProvider(t *testing.T) {
	var asked atomic.Int64
	config := secure(t, "tokens")
	config.TokenProvider = func(context.Context) (sendoff.Token, error) {
		asked.Add(1)
		return tokenFor(user, time.Hour), nil
	}
	sendTen(t, open(t, config))
	if asked.Load() != 1 {
		t.Errorf("the provider was asked %d times", asked.Load())
	}
}

func TestTheNextTokenIsAskedForInTime(t *testing.T) {
	var asked atomic.Int64
	config := secure(t, "tokens", "sasl.login.refresh.min.period.seconds", "0", "sasl.login.refresh.buffer.seconds", "0")
	config.TokenProvider = func(context.Context) (sendoff.Token, error) {
		asked.Add(1)
		return tokenFor(user, 2*time.Second), nil
	}
	producer := open(t, config)
	must(t, producer.Connect(deadline(t)))
	until(t, "two more tokens", func() bool { return asked.Load() >= 3 })
	sendTen(t, producer)
}

func TestAProviderThatFails(t *testing.T) {
	failures := map[string]func() (sendoff.Token, error){
		"says why":     func() (sendoff.Token, error) { return sendoff.Token{}, errors.New("the vault is locked") },
		"panics":       func() (sendoff.Token, error) { panic("the vault is locked") },
		"ends itself":  func() (sendoff.Token, error) { runtime.Goexit(); panic("unreachable") },
		"gives none":   func() (sendoff.Token, error) { return sendoff.Token{Expires: time.Now().Add(time.Hour)}, nil },
		"gives an old": func() (sendoff.Token, error) { return tokenFor(user, -time.Hour), nil },
		"gives no end": func() (sendoff.Token, error) { return sendoff.Token{Value: "planted.secret"}, nil },
		"gives a zero": func() (sendoff.Token, error) {
			return sendoff.Token{Value: "planted.\x00secret", Expires: time.Now().Add(time.Hour)}, nil
		},
		"gives an extension of two": func() (sendoff.Token, error) {
			token := tokenFor(user, time.Hour)
			token.Extensions = map[string]string{"one": "x\x01auth=Bearer planted.secret"}
			return token, nil
		},
	}
	reasons := map[string]string{"says why": "the vault is locked", "panics": "the vault is locked",
		"ends itself": "ended its goroutine", "gives none": "empty", "gives an old": "expired",
		"gives no end": "Expires is not set", "gives a zero": "zero byte", "gives an extension of two": `\"one\"`}
	for what, fail := range failures {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var log logged
			var asked atomic.Int64
			config := secure(t, "tokens", "log.level", "7")
			config.Logger = log.logger()
			config.TokenProvider = func(context.Context) (sendoff.Token, error) {
				if asked.Add(1) <= 2 {
					return fail()
				}
				return tokenFor(user, time.Hour), nil
			}
			sendTen(t, open(t, config)) // it is asked again
			until(t, "the log says why", func() bool { return strings.Contains(log.String(), reasons[what]) })
			if strings.Contains(log.String(), "planted") {
				t.Errorf("the log has the token: %s", log.String())
			}
		})
	}
}

func TestARefusedTokenIsToldAndAnotherOneAskedFor(t *testing.T) {
	var log logged
	var asked atomic.Int64
	config := secure(t, "tokens")
	config.Logger = log.logger()
	config.TokenProvider = func(context.Context) (sendoff.Token, error) {
		if asked.Add(1) == 1 {
			return sendoff.Token{Value: "planted.not.one", Expires: time.Now().Add(time.Hour)}, nil
		}
		return tokenFor(user, time.Hour), nil
	}
	sendTen(t, open(t, config))
	until(t, "the failed login is told", func() bool { return strings.Contains(log.String(), notLetIn) })
	if strings.Contains(log.String(), "planted") {
		t.Errorf("the log has the token: %s", log.String())
	}
}

func TestCloseDoesNotWaitForAProvider(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	config := secure(t, "tokens")
	config.TokenProvider = func(ctx context.Context) (sendoff.Token, error) {
		close(begun)
		<-ctx.Done()
		ended <- ctx.Err()
		return sendoff.Token{}, ctx.Err()
	}
	producer := open(t, config)
	wait(t, begun, "the provider is asked")
	must(t, producer.Close())
	if err := wait(t, ended, "the provider's context ends"); !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended with %v", err)
	}
}

func TestAClosedProducerLeavesNoGoroutineOfTokens(t *testing.T) {
	config := secure(t, "tokens")
	config.TokenProvider = func(context.Context) (sendoff.Token, error) { return tokenFor(user, time.Hour), nil }
	for range 20 {
		must(t, open(t, config).Close())
	}
	stacks := make([]byte, 1<<20)
	until(t, "goroutines end", func() bool {
		return !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("(*tokens).run"))
	})
}

func TestAProviderAndWhatAsksForItBelongTogether(t *testing.T) {
	provider := func(context.Context) (sendoff.Token, error) { return sendoff.Token{}, nil }
	for _, listener := range []string{"mtls", "scram"} {
		config := secure(t, listener)
		config.TokenProvider = provider
		if _, err := sendoff.NewProducer(config); !errors.Is(err, sendoff.ErrNotConfigured) {
			t.Errorf("%s with a provider: %v", listener, err)
		}
	}
	config := configOf(embedded(t))
	config.TokenProvider = provider
	if _, err := sendoff.NewProducer(config); !errors.Is(err, sendoff.ErrNotConfigured) {
		t.Errorf("PLAINTEXT with a provider: %v", err)
	}
	_, err := sendoff.NewProducer(secure(t, "tokens"))
	if !errors.Is(err, sendoff.ErrNotConfigured) || !strings.Contains(err.Error(), "TokenProvider") {
		t.Errorf("tokens without a provider: %v", err)
	}
}

func TestCredentialsAreLoadedAnew(t *testing.T) {
	var log logged
	config := secure(t, "scram", "sasl.jaas.config", "", "sasl.username", user, "sasl.password", "planted-password")
	config.Logger = log.logger()
	producer := open(t, config)
	delivered := make(chan error, 1)
	must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: newTopic()},
		func(delivery sendoff.Delivery) { delivered <- delivery.Err }))
	until(t, "the failed login is told", func() bool { return strings.Contains(log.String(), notLetIn) })
	must(t, producer.ReloadCredentials(nil)) // the same once more
	for _, listener := range []string{"mtls", "tokens"} {
		other := secure(t, listener)
		if err := producer.ReloadCredentials(&other); !errors.Is(err, sendoff.ErrNotConfigured) {
			t.Errorf("what is for %s: %v", listener, err)
		}
	}
	missing := secure(t, "scram", "ssl.truststore.location", "/no/such/file")
	if err := producer.ReloadCredentials(&missing); err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("a file that is not there: %v", err)
	}
	right := secure(t, "scram")
	must(t, producer.ReloadCredentials(&right))
	must(t, wait(t, delivered, "delivery with the right password"))
	if strings.Contains(log.String(), "planted") {
		t.Errorf("the log has the password: %s", log.String())
	}
	if err := open(t, configOf(embedded(t))).ReloadCredentials(nil); !errors.Is(err, sendoff.ErrNotConfigured) {
		t.Errorf("PLAINTEXT: %v", err)
	}
	must(t, producer.Close())
	if err := producer.ReloadCredentials(nil); !errors.Is(err, sendoff.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	config := configOf("broker:9092", "sasl.jaas.config", "planted", "ssl.key.password", "planted", "linger.ms", "7",
		"sasl.pasword", "planted", "sasl.oauthbearer.client.secret", "planted")
	token := sendoff.Token{Value: "planted", Expires: time.Unix(1800000000, 0), Principal: user,
		Extensions: map[string]string{"pool": "one"}}
	var lines bytes.Buffer
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&lines, nil)),
		slog.New(slog.NewJSONHandler(&lines, nil))} {
		logger.Info("shown", "config", config, "token", token, "tokens", []sendoff.Token{token}, "pointer", &token)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&lines, verb+"\n"+verb+"\n"+verb+"\n", config, token, &token)
	}
	encoded, err := json.Marshal(token)
	must(t, err)
	shown := lines.String() + string(encoded)
	if strings.Contains(shown, "planted") || strings.Contains(shown, fmt.Sprintf("%x", "planted")) {
		t.Errorf("secrets are shown: %s", shown)
	}
	for _, part := range []string{"[hidden]", "linger.ms:7", "Principal:alice", "pool:one", "broker:9092"} {
		if !strings.Contains(shown, part) {
			t.Errorf("%s is not shown: %s", part, shown)
		}
	}
	zero := configOf("broker:9092", "sasl.password", "planted\x00secret")
	if _, err := sendoff.NewProducer(zero); !errors.Is(err, sendoff.ErrInvalidSetting) ||
		strings.Contains(err.Error(), "planted") {
		t.Errorf("a password with a zero byte: %v", err)
	}
}
