# frozen_string_literal: true

module Sendoff
  # The end of a wait.
  # @api private
  class Deadline
    FOREVER_MS = 1 << 50

    # @param seconds [Numeric, nil] nil: never
    def initialize(seconds)
      @at = seconds && now + (seconds * 1000).ceil
    end

    # Milliseconds until then, 0 if it is over.
    def left_ms
      @at ? [@at - now, 0].max : FOREVER_MS
    end

    private

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond)
    end
  end
  private_constant :Deadline
end
