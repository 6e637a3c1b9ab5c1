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

      @value = String(value).dup.freeze
      @expires = expires
      @principal = principal && String(principal).dup.freeze
      @extensions = extensions.to_h { |name, text| [name.to_s, String(text)] }.freeze
    end

    # @return [String] all but its value
    def inspect
      "#<#{self.class} principal=#{principal.inspect} expires=#{expires.inspect} extensions=#{extensions.inspect}>"
    end

    alias to_s inspect
  end
end
