# frozen_string_literal: true

module Sendoff
  # A setting that the library knows.
  #
  # @!attribute name
  #   @return [String] Kafka's name, such as "linger.ms"
  # @!attribute type
  #   @return [String] "boolean", "int", "long", "double", "string", "list", "enumeration" or "password"
  # @!attribute default
  #   @return [String, nil]
  # @!attribute range
  #   @return [String, nil] what is allowed; nil: anything of the type
  # @!attribute text
  #   @return [String] what it does
  # @!attribute alias_of
  #   @return [String, nil] the setting that this name stands for
  # @!attribute per_topic
  #   @return [Boolean] whether it can be set for one topic, as "topic.NAME.setting"
  Setting = Struct.new(:name, :type, :default, :range, :text, :alias_of, :per_topic, keyword_init: true)

  # All settings that the library knows, those that have no meaning here left out.
  # @return [Array<Setting>]
  def self.settings
    _, count = Native.setting_count
    native = Array.new(count) { |index| Native::Setting.new.tap { |setting| Native.setting_at(index, setting) } }
    native.reject { |setting| setting.flags.anybits?(Native::SETTING_NO_MEANING) }.map do |setting|
      Setting.new(name: setting.name, type: setting.type, default: setting.default_value, range: setting.range,
                  text: setting.text, alias_of: setting.alias_of,
                  per_topic: setting.flags.anybits?(Native::SETTING_PER_TOPIC)).freeze
    end
  end

  # The configuration of one producer, while it is being made.
  # @api private
  class Settings
    REPORT_MODE = "delivery.report.mode"
    EVENT_CAPACITY = "event.queue.capacity"

    # Yields settings with those of a file, if one is named, and these values, and frees them afterwards.
    def self.open(values, file = nil)
      settings = new
      begin
        settings.load(file) if file
        values.each { |name, value| settings.set(name, value) }
        settings.set(REPORT_MODE, "queue")
        yield settings
      ensure
        settings.destroy
      end
    end

    # @return [Integer] its number in the library
    attr_reader :handle

    def initialize
      status, @handle = Native.config_create
      raise Error.of(status) unless status == Native::OK
    end

    # @param name [String, Symbol] Kafka's name; a Symbol may have underscores for dots
    def set(name, value)
      name = name_of(name)
      text = text_of(name, value)
      refuse_mode(text) if name == REPORT_MODE && !%w[queue auto].include?(text)
      status, message = Native.config_set(@handle, name, text)
      raise Error.of(status, message) unless status == Native::OK
    end

    # All of a file in Java's .properties form.
    def load(path)
      status, message = Native.config_load_file(@handle, String(path))
      raise Error.of(status, message) unless status == Native::OK

      refuse_mode(self[REPORT_MODE]) unless %w[queue auto].include?(self[REPORT_MODE])
    end

    # The value that holds, as text.
    def [](name)
      status, text = Native.config_get(@handle, name)
      raise Error.of(status) unless status == Native::OK

      text
    end

    # A started producer's handle.
    def start
      status, handle, message = Native.open(@handle)
      raise Error.of(status, message) unless status == Native::OK

      handle
    end

    def destroy
      Native.config_destroy(@handle)
    end

    private

    def name_of(name)
      name.is_a?(Symbol) ? name.name.tr("_", ".") : name
    end

    def text_of(name, value)
      case value
      when String then value
      when Symbol, Numeric, true, false then value.to_s
      when Array then value.join(",")
      else
        raise Error.of(Native::INVALID_SETTING, "#{name}: a value is a String, Symbol, number, true, false or an " \
                                                "Array of them, not a #{value.class}")
      end
    end

    def refuse_mode(text)
      raise Error.of(Native::INVALID_SETTING, "#{REPORT_MODE}=#{text}: the gem reads reports from a queue, " \
                                              "and hands them on by deliveries and their blocks")
    end
  end
  private_constant :Settings
end
