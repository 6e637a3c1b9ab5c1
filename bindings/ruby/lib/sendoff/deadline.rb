# frozen_string_literal: true

module Sendoff
  # The end of a wait.
  # @api private
  class Deadline
    FOREVER_MS = 1 << 50

    # Whole milliseconds of a timeout; one that is over is 0, and what no clock can tell from for ever is cut.
    def self.milliseconds(seconds)
      (seconds * 1000).clamp(0, FOREVER_MS).ceil
    end

    # @param seconds [Numeric, nil] nil: never
    def initialize(seconds)
      @at = seconds && now + Deadline.milliseconds(seconds)
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
