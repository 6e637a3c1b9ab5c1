package sendoff

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"sendoff.org/sendoff/internal/native"
)

// hidden stands for what is secret wherever a Token or a Config is shown.
const hidden = "[hidden]"

// tokenSlice is how long the library waits for the next want at a time; the end of the producer ends the wait sooner.
const tokenSlice = 250 * time.Millisecond

// Token is what a producer with sasl.mechanism=OAUTHBEARER logs in with. Its Value is not shown where a Token is
// formatted, logged or made JSON of.
type Token struct {
	// Value as brokers are to get it, such as a JWT in its compact form.
	Value string `json:"-"`

	// Expires says until when it is valid. The next one is asked for well before, as the settings sasl.login.refresh.*
	// say.
	Expires time.Time

	// Principal is whose token it is, for log lines; it may be empty.
	Principal string

	// Extensions go to brokers with the token (KIP-342): names of letters, with values.
	Extensions map[string]string
}

// TokenProvider gives a token whenever the producer needs another one. It is called on a goroutine of the producer's
// own, never twice at a time, and may take its time: what logs in meanwhile waits. ctx ends with the producer. The text
// of an error reaches log lines and the errors of records; after a pause that grows from
// sasl.login.retry.backoff.ms the provider is asked again.
type TokenProvider func(ctx context.Context) (Token, error)

// Format shows all of a token but its value.
func (t Token) Format(state fmt.State, verb rune) {
	type plain Token
	if t.Value != "" {
		t.Value = hidden
	}
	fmt.Fprintf(state, fmt.FormatString(state, verb), plain(t))
}

// LogValue shows all of a token but its value.
func (t Token) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("%+v", t))
}

// tokens asks the program's provider whenever the library wants a token.
type tokens struct {
	core     *core
	provider TokenProvider
	wanted   bool // and not asked for yet
	finished bool
}

// startTokens refuses a provider that nobody would ask, and an OAUTHBEARER that would wait for a token for ever.
func (c *core) startTokens(provider TokenProvider) error {
	status := native.Wait_token_wanted(c.handle, 0)
	switch {
	case status == statusNotConfigured && provider == nil:
		return nil
	case status == statusNotConfigured:
		return &Error{Code: status, Detail: "there is a TokenProvider, but tokens are for sasl.mechanism=OAUTHBEARER " +
			"with a security.protocol of SASL, and where no other setting says where they come from"}
	case provider == nil:
		return &Error{Code: statusNotConfigured, Detail: "sasl.mechanism=OAUTHBEARER needs a TokenProvider, or settings " +
			"that say where tokens come from"}
	}
	asking := &tokens{core: c, provider: provider, wanted: status == statusOK}
	ctx, cancel := context.WithCancel(context.Background())
	c.stopTokens = cancel
	go asking.run(ctx)
	return nil
}

// run is the goroutine of tokens. A provider that ends its goroutine (runtime.Goexit) ends only itself.
func (t *tokens) run(ctx context.Context) {
	defer func() {
		if !t.finished {
			t.fail("the token provider ended its goroutine")
			go t.run(ctx)
		}
	}()
	for t.wait() {
		t.wanted = false
		t.provide(ctx)
	}
	t.finished = true
}

// wait returns true when a token is wanted, and false when none will be any more.
func (t *tokens) wait() bool {
	if t.wanted {
		return true
	}
	for {
		switch status := native.Wait_token_wanted(t.core.handle, tokenSlice.Milliseconds()); status {
		case statusOK:
			return true
		case statusTimedOut, statusInterrupted:
		case statusClosed:
			return false
		default:
			t.core.logger.Error("sendoff: waiting for a token to be wanted", "error", errorOf(status, 0))
			return false
		}
	}
}

// provide asks the provider once, and hands on what it says.
func (t *tokens) provide(ctx context.Context) {
	defer func() {
		if value := recover(); value != nil {
			t.core.logger.Error("sendoff: the token provider panicked", "panic", value, "stack", string(debug.Stack()))
			t.fail(fmt.Sprintf("the token provider panicked: %v", value))
		}
	}()
	token, err := t.provider(ctx)
	if err == nil {
		err = t.core.setToken(token)
	}
	if err != nil {
		t.fail(err.Error())
	}
}

// fail says that there is no token. It is refused only once the producer is closed, when nobody waits for one.
func (t *tokens) fail(reason string) {
	native.Set_token_failure(t.core.handle, strings.ReplaceAll(reason, "\x00", "?"))
}

func (c *core) setToken(token Token) error {
	extensions, err := token.packedExtensions()
	if err != nil {
		return err
	}
	switch {
	case token.Value == "":
		return refusedToken("it is empty")
	case token.Expires.IsZero():
		return refusedToken("Expires is not set")
	case strings.Contains(token.Value, "\x00") || strings.Contains(token.Principal, "\x00"):
		return refusedToken("it holds a zero byte")
	}
	buffer := make([]byte, errorBufferBytes)
	status := native.Give_token(c.handle, token.Value, token.Principal, token.Expires.UnixMilli(), extensions, buffer)
	if status != statusOK && status != statusClosed {
		return errorWithDetail(status, buffer)
	}
	return nil
}

// packedExtensions are names and values as brokers get them, each with the separator behind it.
func (t Token) packedExtensions() (string, error) {
	const separators = "\x00\x01"
	var packed strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.Extensions)) {
		value := t.Extensions[name]
		if strings.ContainsAny(name, separators+"=") || strings.ContainsAny(value, separators) {
			return "", refusedToken(fmt.Sprintf("no broker can read its extension %q", name))
		}
		packed.WriteString(name + "=" + value + "\x01")
	}
	return packed.String(), nil
}

func refusedToken(reason string) error {
	return &Error{Code: statusInvalidArgument, Detail: "the token of the provider: " + reason}
}
