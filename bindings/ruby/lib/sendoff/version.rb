# frozen_string_literal: true

module Sendoff
  # Of this gem.
  VERSION = "1.1.0"
end
