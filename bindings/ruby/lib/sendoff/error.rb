# frozen_string_literal: true

module Sendoff
  # What all errors of Sendoff are. Wrong types and wrong arguments of Ruby's kind raise TypeError and ArgumentError.
  class Error < StandardError
    # @return [Integer] Kafka's code, or the library's own, -1001 and below
    attr_reader :code

    # What is known of the record: `:not_delivered`, so that sending it again is safe; `:unknown`, so that sending it
    # again may write it twice; nil if the error is not about a record.
    # @return [Symbol, nil]
    attr_reader :outcome

    # The error of a status, as the class that fits.
    # @api private
    def self.of(code, message = nil, outcome: nil)
      Errors.class_of(code).new(code, message, outcome: outcome)
    end

    # The error of a record that was not accepted.
    # @api private
    def self.refusal(code)
      of(code, outcome: :not_delivered)
    end

    # @api private
    def initialize(code, message = nil, outcome: nil)
      @code = code
      @outcome = outcome
      super(message.nil? || message.empty? ? "#{Native.status_text(code)} (#{name})" : message)
    end

    # @return [String] such as "NOT_LEADER_OR_FOLLOWER"
    def name
      Native.status_name(code)
    end

    # Whether the same call or record may succeed later.
    def retriable?
      of_class?(Native::CLASS_RETRIABLE)
    end

    # Whether the producer cannot go on: close it and open another.
    def fatal?
      of_class?(Native::CLASS_FATAL)
    end

    # Whether a permission or a login is missing.
    def authorization?
      of_class?(Native::CLASS_AUTHORIZATION)
    end

    private

    def of_class?(bit)
      Native.status_class(code).anybits?(bit)
    end
  end

  # The producer is closed, or being closed.
  class ClosedError < Error; end

  # A setting is wrong, unknown or missing; the message names it and says what is allowed.
  class ConfigurationError < Error; end

  # The memory for records was full, and stayed so for `max.block.ms`.
  class BufferFullError < Error; end

  # The record is larger than `max.request.size`, or than the broker takes.
  class RecordTooLargeError < Error; end

  # A wait took longer than its timeout.
  class TimeoutError < Error; end

  # The record could not be delivered within `delivery.timeout.ms`.
  class DeliveryTimeoutError < TimeoutError; end

  # A broker did not let the producer in, or is not one to trust: a TLS handshake, a certificate or a login failed.
  class AuthenticationError < Error; end

  # A code of Kafka's own: what the broker, or the cluster, had against it.
  class BrokerError < Error; end

  # The producer belongs to the process that made it, and this is a child of that one. Open one of its own.
  class ForkedError < Error; end

  # Which class an error is of.
  # @api private
  module Errors
    MESSAGE_TOO_LARGE = 10
    UNSUPPORTED_SASL_MECHANISM = 33
    ILLEGAL_SASL_STATE = 34
    SASL_AUTHENTICATION_FAILED = 58
    CLASSES = {
      Native::CLOSED => ClosedError,
      Native::INVALID_SETTING => ConfigurationError,
      Native::UNKNOWN_SETTING => ConfigurationError,
      Native::NOT_CONFIGURED => ConfigurationError,
      Native::BUFFER_FULL => BufferFullError,
      Native::PARTITION_BUFFER_FULL => BufferFullError,
      Native::REPORTS_UNREAD => BufferFullError,
      Native::RECORD_TOO_LARGE => RecordTooLargeError,
      MESSAGE_TOO_LARGE => RecordTooLargeError,
      Native::TLS_HANDSHAKE_FAILED => AuthenticationError,
      Native::CERTIFICATE_REFUSED => AuthenticationError,
      Native::LOGIN_FAILED => AuthenticationError,
      UNSUPPORTED_SASL_MECHANISM => AuthenticationError,
      ILLEGAL_SASL_STATE => AuthenticationError,
      SASL_AUTHENTICATION_FAILED => AuthenticationError,
      Native::TIMED_OUT => TimeoutError,
      Native::DELIVERY_TIMED_OUT => DeliveryTimeoutError,
      Native::FORKED => ForkedError
    }.freeze

    def self.class_of(code)
      CLASSES.fetch(code) { code >= -1 ? BrokerError : Error }
    end
  end
  private_constant :Errors
end
