# frozen_string_literal: true

module Sendoff
  # Asks the program's token provider whenever the library wants a token, in a thread of the session's.
  # @api private
  class Tokens
    SEPARATOR = "\u0001"
    UNASKED = "there is a token_provider, but tokens are for sasl.mechanism=OAUTHBEARER with a security.protocol of " \
              "SASL, and where no other setting says where they come from"
    UNANSWERED = "sasl.mechanism=OAUTHBEARER needs a token_provider, or settings that say where tokens come from"
    private_constant :SEPARATOR, :UNASKED, :UNANSWERED

    # Refuses a provider that nobody would ask, and an OAUTHBEARER that would wait for a token for ever.
    #
    # @return [Tokens, nil] nil: none are needed
    def self.for(session, provider, logger)
      status = session.wait_token_wanted(0)
      asked_for = status != Native::NOT_CONFIGURED
      refuse(UNASKED) if provider && !asked_for
      refuse(UNANSWERED) if asked_for && !provider
      new(session, provider, logger, wanted: status == Native::OK) if provider
    end

    def self.refuse(reason)
      raise Error.of(Native::NOT_CONFIGURED, reason)
    end
    private_class_method :refuse

    def initialize(session, provider, logger, wanted:)
      @session = session
      @provider = provider
      @logger = logger
      @wanted = wanted
      @over = false
    end

    # Until the producer is closed.
    def serve
      while @wanted || @session.wait_token_wanted(-1) == Native::OK
        provide
        @wanted = false
      end
      @over = true
    ensure
      @wanted = true unless @over # whoever was killed may have been about to ask
    end

    # Whether the producer is closed, so that nobody asks any more.
    def over?
      @over
    end

    # The provider may hold secrets.
    def inspect
      "#<#{self.class}>"
    end

    private

    def provide
      token = @provider.call
      raise TypeError, "the token provider gave a #{token.class}, not a Sendoff::Token" unless token.is_a?(Token)

      status, message = Native.give_token(@session.handle, token.value, token.principal || "", milliseconds(token),
                                          packed(token.extensions))
      give_up(message) unless [Native::OK, Native::CLOSED].include?(status)
    rescue SystemExit => error
      give_up("the token provider ended the program")
      Exit.request(error)
    rescue Exception => error
      report(error)
      give_up("#{error.class}: #{utf8(error.message)}")
    end

    # Refused only once the producer is closed, when nobody waits for a token.
    def give_up(reason)
      Native.set_token_failure(@session.handle, reason.tr("\0", "?"))
    end

    def utf8(text)
      text.encode("UTF-8", invalid: :replace, undef: :replace)
    end

    def milliseconds(token)
      (token.expires.to_r * 1000).floor
    end

    # Names and values as brokers get them, each with the separator behind it.
    def packed(extensions)
      extensions.map do |name, value|
        if name.match?(/[=\u0001]/) || value.include?(SEPARATOR)
          raise ArgumentError, "no broker can read the token's extension #{name.inspect}"
        end

        "#{name}=#{value}#{SEPARATOR}"
      end.join
    end

    def report(error)
      message = "the token provider raised: #{utf8(error.full_message(highlight: false))}"
      @logger ? @logger.error(message) : warn("sendoff: #{message}")
    end
  end
  private_constant :Tokens
end
