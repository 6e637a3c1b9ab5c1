# frozen_string_literal: true

module Sendoff
  # Writes the library's rare events to the program's logger.
  # @api private
  class EventLog
    # By syslog's levels, 0 to 7.
    LEVELS = %i[fatal fatal fatal error warn info info debug].freeze

    def initialize(logger)
      @logger = logger
      @event = Native::Event.new
    end

    # Writes what has happened since. A logger that raises must not end the thread that reads reports.
    def write(handle)
      log(@event) while Native.poll_event(handle, @event, 0) == Native::OK
    rescue StandardError => error
      warn "sendoff: the logger raised: #{error.full_message(highlight: false)}"
    end

    private

    def log(event)
      case event.kind
      when Native::EVENT_LOG then @logger.public_send(LEVELS.fetch(event.number, :debug), event.text)
      when Native::EVENT_FATAL then @logger.fatal("#{event.text} (#{Native.status_name(event.status)})")
      when Native::EVENT_THROTTLED
        @logger.warn("broker #{event.broker} asks for a pause of #{event.number} ms")
      when Native::EVENT_AUTHENTICATION_FAILED
        @logger.error("broker #{event.broker} did not let the producer in: #{event.text} " \
                      "(#{Native.status_name(event.status)})")
      when Native::EVENT_LOST then @logger.warn("#{event.number} events were lost")
      end
    end
  end
  private_constant :EventLog
end
