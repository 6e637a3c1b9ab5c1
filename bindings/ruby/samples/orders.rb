# frozen_string_literal: true

# ruby orders.rb BROKERS TOPIC: keys, headers, a tombstone, and errors by class.
require "json"
require "sendoff"

brokers, topic = ARGV
Sendoff::Producer.open(bootstrap_servers: brokers, linger_ms: 1, client_id: "orders") do |producer|
  producer.connect(timeout: 30) # optional: fails here, rather than later, if no broker answers

  order = { id: 17, total: 42.5 }
  delivery = producer.produce(topic: topic, key: order[:id].to_s, value: JSON.generate(order),
                              headers: { "content-type" => "application/json" }, timestamp: Time.now)
  delivery.wait(timeout: 30)
  puts "order #{order[:id]} is in partition #{delivery.partition}"

  producer.produce(topic: topic, key: order[:id].to_s, value: nil).wait # nil: compaction removes the key

  begin
    producer.produce(topic: topic, value: "x" * 2_000_000)
  rescue Sendoff::RecordTooLargeError => error
    puts "refused: #{error.name}, #{error.outcome}"
  end
end
