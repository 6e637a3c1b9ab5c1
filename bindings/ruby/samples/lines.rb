# frozen_string_literal: true

# ruby lines.rb BROKERS TOPIC: sends each line of standard input as a record, and says what became of those that failed.
require "sendoff"

brokers, topic = ARGV
failed = 0
sent = 0
Sendoff::Producer.open("bootstrap.servers" => brokers, "compression.type" => "zstd") do |producer|
  $stdin.each_line(chomp: true) do |line|
    sent += 1
    producer.produce(topic: topic, value: line) do |delivery|
      next if delivery.delivered?

      failed += 1
      warn "#{line}: #{delivery.error.message}, #{delivery.outcome}"
    end
  end
end
puts "#{sent} lines, #{failed} failed"
exit failed.zero?
