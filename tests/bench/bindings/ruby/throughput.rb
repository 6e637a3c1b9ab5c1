#!/usr/bin/env ruby
# frozen_string_literal: true

# throughput.rb BOOTSTRAP TOPIC RECORDS BYTES [name=value ...]: the Ruby gem, with a delivery handle per record, beside
# the least that Ruby does for something that it keeps track of: a loop that makes an object, stores it in a Hash and
# removes it. Both are measured in this process, in turn, so that what else the machine does meets both. The text is
# payload.h's.
require "json"
require "sendoff"

PAYLOAD_BYTES = 1 << 20
STRIDE = 7919
WARM_UP_SHARE = 10
ROUNDS = 10
WORDS = ['"user":', '"order":', '"price":', '"status":"ok"', '"time":', '"region":"eu"', "{", "}", ",", '"id":',
         '"trace":', "null", "true", '"items":[', "]", '"note":"retry"'].freeze

def payload
  state = 1
  random = lambda do
    state = (state * 1_103_515_245 + 12_345) & 0xffff_ffff
    (state >> 16) & 0x7fff
  end
  pieces = []
  size = 0
  while size < PAYLOAD_BYTES
    word = WORDS[random.call & 15]
    number = random.call
    digits = Array.new(4) { |place| number / 10**place % 10 }.join
    pieces << word << digits
    size += word.bytesize + digits.bytesize
  end
  pieces.join.b.byteslice(0, PAYLOAD_BYTES).freeze
end

def cpu_seconds
  Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
end

# What is compared with. Returns its CPU seconds.
def run_loop(count)
  hash = {}
  begun = cpu_seconds
  count.times do |index|
    object = Object.new
    hash[index] = object
    hash.delete(index)
  end
  cpu_seconds - begun
end

# Sends records until all have their reports. Returns its CPU seconds.
def send_records(producer, topic, text, count, bytes)
  span = text.bytesize - bytes
  begun = cpu_seconds
  count.times do |index|
    producer.produce(topic: topic, value: text.byteslice(index * STRIDE % span, bytes))
  end
  producer.flush
  cpu_seconds - begun
end

# CPU seconds of both, and seconds of sending.
def measure(producer, topic, text, records, bytes)
  sent = looped = seconds = 0
  ROUNDS.times do
    looped += run_loop(records / ROUNDS)
    begun = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    sent += send_records(producer, topic, text, records / ROUNDS, bytes)
    seconds += Process.clock_gettime(Process::CLOCK_MONOTONIC) - begun
  end
  [sent, looped, seconds]
end

bootstrap, topic, records, bytes, *settings = ARGV
abort "usage: throughput.rb BOOTSTRAP TOPIC RECORDS BYTES [name=value ...]" unless bytes
records = Integer(records) / ROUNDS * ROUNDS
bytes = Integer(bytes)
topic = topic.dup.freeze
defaults = { "bootstrap.servers" => bootstrap, "linger.ms" => 5, "acks" => "all", "buffer.memory" => 64 << 20 }
config = defaults.merge(settings.to_h { |setting| setting.split("=", 2) })

text = payload
Sendoff::Producer.open(config) do |producer|
  run_loop(records / WARM_UP_SHARE)
  send_records(producer, topic, text, records / WARM_UP_SHARE, bytes)
  before = producer.counters
  sent, looped, seconds = measure(producer, topic, text, records, bytes)
  counted = producer.counters.to_h { |name, value| [name, value - before[name]] }
  cpu_ns, loop_ns = [sent, looped].map { |cpu| cpu / records * 1e9 }
  puts JSON.generate(client: "sendoff #{Sendoff::VERSION} (ruby #{RUBY_VERSION})", records: records,
                     delivered: counted[:records_delivered],
                     failed: counted[:records_not_delivered] + counted[:records_unknown], seconds: seconds.round(3),
                     records_per_second: (records / seconds).round,
                     megabytes_per_second: (records * bytes / seconds / 1e6).round(1),
                     cpu_ns_per_record: cpu_ns.round(1), loop_ns_per_record: loop_ns.round(1),
                     ratio: (cpu_ns / loop_ns).round(2))
  exit 1 unless counted[:records_delivered] == records
end
