# frozen_string_literal: true

module Sendoff
  # What becomes of one record: {Producer#produce} returns it, and calls the record's block with it. Until the record
  # has its report, {#done?} is false and the readers are nil. All methods may be called by any thread; only {#wait}
  # waits.
  #
  # @!method done?
  #   @return [Boolean] whether the record has its report
  # @!method delivered?
  #   @return [Boolean] whether it was acknowledged, as `acks` asks for
  # @!method outcome
  #   `:delivered`; `:delivered_offset_unknown`, acknowledged by a broker that no longer said where; `:not_delivered`,
  #   so that sending it again is safe; `:unknown`, so that sending it again may write it twice.
  #   @return [Symbol, nil]
  # @!method topic
  #   @return [String, nil]
  # @!method partition
  #   @return [Integer, nil] nil too if none was chosen yet
  # @!method offset
  #   @return [Integer, nil] nil too if it is not known
  # @!method timestamp
  #   @return [Time, nil] the record's, or the broker's if {#log_append_time?}; to the millisecond
  # @!method log_append_time?
  #   @return [Boolean] whether {#timestamp} is the broker's
  # @!method latency
  #   @return [Float, nil] seconds from being accepted to the outcome
  # @!method attempts
  #   @return [Integer, nil] requests that carried the record
  # @!method broker
  #   @return [Integer, nil] id of the broker that it was sent to last
  class Delivery
    # Waits until the record has its report. Other threads run meanwhile; Timeout, Thread#raise, Thread#kill and signals
    # end the wait. What `linger.ms` asks for is waited for too; {Producer#flush} ends it.
    #
    # @param timeout [Numeric, nil] seconds; nil waits as long as it takes, which `delivery.timeout.ms` limits
    # @return [Delivery] itself, once it is delivered (with `acks=0`: sent)
    # @raise [Error] the delivery's {#error}
    # @raise [TimeoutError] if it has no report in time; the record is still on its way
    # @raise [ForkedError] in a child of the process that sent it
    # @raise [Error] IN_CALLBACK within a delivery's block, where nothing waits
    def wait(timeout: nil)
      unless done?
        session = native_producer
        session.refuse_in_callback
        in_time = session.wait_until(Deadline.new(timeout)) { done? }
        raise Error.of(Native::TIMED_OUT, "the record has no report yet") unless in_time
      end
      failure = error
      failure ? raise(failure) : self
    end

    # Why it was not delivered, as far as is known.
    # @return [Error, nil] nil if it was delivered, is on its way, or was sent with `acks=0`
    def error
      return if !done? || delivered? || status == Native::NO_ACKNOWLEDGEMENT

      Error.of(status, outcome: outcome)
    end

    # @return [String]
    def inspect
      return "#<#{self.class} on its way>" unless done?

      where = [topic, partition, offset].compact.join("/")
      "#<#{self.class} #{where} #{outcome}#{" #{error.name}" if error}>"
    end
  end
end
