# frozen_string_literal: true

# A producer for Apache Kafka: what {Sendoff::Producer#produce} accepted is sent.
module Sendoff
end

require_relative "sendoff/version"
require_relative "sendoff/native_library"
require_relative "sendoff/error"
require_relative "sendoff/settings"
require_relative "sendoff/deadline"
require_relative "sendoff/delivery"
require_relative "sendoff/partition"
require_relative "sendoff/event_log"
require_relative "sendoff/exit"
require_relative "sendoff/token"
require_relative "sendoff/tokens"
require_relative "sendoff/session"
require_relative "sendoff/producer"
