# frozen_string_literal: true

module Sendoff
  # What a producer with `sasl.mechanism=OAUTHBEARER` logs in with; its `token_provider` gives it. {#inspect} does not
  # show the value.
  class Token
    # @return [String] as brokers are to get it, such as a JWT in its compact form
    attr_reader :value
    # @return [Time] until when it is valid
    attr_reader :expires
    # @return [String, nil] whose it is, for log lines
    attr_reader :principal
    # @return [Hash{String => String}] what goes to brokers with it (KIP-342)
    attr_reader :extensions

    # @param value [String]
    # @param expires [Time] the next one is asked for well before, as the settings `sasl.login.refresh.*` say
    # @param principal [String, nil]
    # @param extensions [Hash{String, Symbol => String}]
    # @raise [TypeError] if a part is not of its type
    def initialize(value:, expires:, principal: nil, extensions: {})
      raise TypeError, "a token expires at a Time, not a #{expires.class}" unless expires.is_a?(Time)

      @value = text(value)
      @expires = expires
      @principal = principal && text(principal)
      @extensions = extensions.to_h { |name, value| [text(name.is_a?(Symbol) ? name.name : name), text(value)] }.freeze
    end

    # @return [String] all but its value
    def inspect
      "#<#{self.class} principal=#{principal.inspect} expires=#{expires.inspect} extensions=#{extensions.inspect}>"
    end

    alias to_s inspect

    private

    def text(part)
      String.try_convert(part).dup&.freeze || raise(TypeError, "a part of a token is a String, not a #{part.class}")
    end
  end
end
