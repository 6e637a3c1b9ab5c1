# frozen_string_literal: true

# A program of release 1.0 over what SWIG made of that release's header: ruby program_1_0.rb BOOTSTRAP TOPIC, with the
# extension in $LOAD_PATH.
module Sendoff
end
require "native"

include Sendoff # rubocop:disable Style/MixinUsage
RECORDS = 100
PATIENCE_MS = 60_000
bootstrap, topic_name = ARGV

def expect(call, status)
  abort "#{call}: #{Native.status_name(status)}" unless status == Native::OK
end

def open_producer(settings)
  status, config = Native.config_create
  expect("config_create", status)
  settings.each { |name, value| expect(name, Native.config_set(config, name, value).first) }
  status, producer, message = Native.open(config)
  expect("open: #{message}", status)
  Native.config_destroy(config)
  producer
end

producer = open_producer("bootstrap.servers" => bootstrap, "delivery.report.mode" => "queue")
status, topic = Native.topic(producer, topic_name)
expect("topic", status)
RECORDS.times { |i| expect("send", Native.send_flat(producer, topic, "ruby-#{i}", i)) }
expect("flush", Native.flush(producer, PATIENCE_MS))

delivered = 0
reported = 0
while reported < RECORDS
  status, opaque, outcome = Native.poll_one(producer, PATIENCE_MS)
  expect("poll", status)
  delivered += 1 if opaque == reported && outcome == Native::OUTCOME_DELIVERED
  reported += 1
end
counters = Native::Counters.new
expect("get_counters", Native.get_counters(producer, counters))
puts "#{counters.records_accepted} accepted, #{delivered} delivered"
expect("close", Native.close(producer, PATIENCE_MS))
Native.destroy(producer)
