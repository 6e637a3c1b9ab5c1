package sendoff

import (
	"strings"

	"sendoff.org/sendoff/internal/native"
)

// Setting describes a name that Config.Settings understands.
type Setting struct {
	Name    string
	Type    string // "boolean", "int", "long", "double", "string", "list", "enumeration" or "password"
	Default string // "" also if there is none
	Allowed string // the values that are allowed, for people; "" if every one of the type is
	Text    string // what it does
	AliasOf string // the setting that this name of librdkafka's stands for; "" for most

	PerTopic  bool // may be set for one topic, as "topic.NAME.setting"
	NoMeaning bool // accepted since Java's producer or librdkafka know it; does nothing here
}

// Settings returns every setting that the library knows. It does not block.
func Settings() ([]Setting, error) {
	var count uint32
	if status := native.Setting_count(&count); status != statusOK {
		return nil, errorOf(status, 0)
	}
	setting := native.NewSetting()
	defer native.DeleteSetting(setting)
	settings := make([]Setting, 0, count)
	for index := range count {
		if status := native.Setting_at(index, setting); status != statusOK {
			return nil, errorOf(status, 0)
		}
		flags := setting.GetFlags()
		settings = append(settings, Setting{
			Name:      setting.GetName(),
			Type:      setting.GetValue_type(),
			Default:   setting.GetDefault_value(),
			Allowed:   setting.GetAllowed(),
			Text:      setting.GetText(),
			AliasOf:   setting.GetAlias_of(),
			PerTopic:  flags&uint32(native.SETTING_PER_TOPIC) != 0,
			NoMeaning: flags&uint32(native.SETTING_NO_MEANING) != 0,
		})
	}
	return settings, nil
}

// Version of the C library, for instance "1.1.0".
func Version() string {
	return native.Version()
}

// Features of the C library inside, in alphabetical order: the codecs that it has ("gzip", "lz4", "snappy", "zstd"),
// "tls" with TLS and logins, and more in later versions.
func Features() []string {
	return strings.FieldsFunc(native.Features(), func(letter rune) bool { return letter == ',' })
}
