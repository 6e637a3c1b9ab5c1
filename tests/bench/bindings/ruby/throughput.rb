#!/usr/bin/env ruby
# frozen_string_literal: true

# throughput.rb BOOTSTRAP TOPIC RECORDS BYTES [name=value ...]: the Ruby gem, with a delivery handle per record, beside the
# least that Ruby does for something that it keeps track of: a loop that makes an object, stores it in a Hash and removes
# it. Both are measured in this process, which may run other Ruby threads meanwhile. The text is payload.h's.
require "json"
require "sendoff"

PAYLOAD_BYTES = 1 << 20
STRIDE = 7919
WARM_UP_SHARE = 10
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

# What is compared with: an object a turn, stored in a Hash and removed.
def loop_ns(count)
  hash = {}
  begun = cpu_seconds
  index = 0
  while index < count
    object = Object.new
    hash[index] = object
    hash.delete(index)
    index += 1
  end
  (cpu_seconds - begun) / count * 1e9
end

def send_records(producer, topic, text, count, bytes)
  span = text.bytesize - bytes
  index = 0
  while index < count
    producer.produce(topic: topic, value: text.byteslice(index * STRIDE % span, bytes))
    index += 1
  end
  producer.flush
end

bootstrap, topic, records, bytes, *settings = ARGV
abort "usage: throughput.rb BOOTSTRAP TOPIC RECORDS BYTES [name=value ...]" unless bytes
records = Integer(records)
bytes = Integer(bytes)
topic = topic.dup.freeze
defaults = { "bootstrap.servers" => bootstrap, "linger.ms" => 5, "acks" => "all", "buffer.memory" => 64 << 20 }
config = defaults.merge(settings.to_h { |setting| setting.split("=", 2) })

loop_ns(records / WARM_UP_SHARE)
loop_cost = loop_ns(records)
text = payload
Sendoff::Producer.open(config) do |producer|
  send_records(producer, topic, text, records / WARM_UP_SHARE, bytes)
  before = producer.counters
  cpu_begun = cpu_seconds
  begun = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  send_records(producer, topic, text, records, bytes)
  seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - begun
  cpu = (cpu_seconds - cpu_begun) / records * 1e9
  after = producer.counters
  delivered = after[:records_delivered] - before[:records_delivered]
  failed = after[:records_not_delivered] + after[:records_unknown] -
           before[:records_not_delivered] - before[:records_unknown]
  puts JSON.generate(client: "sendoff #{Sendoff::VERSION} (ruby #{RUBY_VERSION})", records: records,
                     delivered: delivered, failed: failed, seconds: seconds.round(3),
                     records_per_second: (records / seconds).round,
                     megabytes_per_second: (records * bytes / seconds / 1e6).round(1),
                     cpu_ns_per_record: cpu.round(1), loop_ns_per_record: loop_cost.round(1),
                     ratio: (cpu / loop_cost).round(2))
  exit 1 unless delivered == records
end
