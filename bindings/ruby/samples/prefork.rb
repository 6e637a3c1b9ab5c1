# frozen_string_literal: true

# ruby prefork.rb BROKERS TOPIC: how servers that fork use it (Puma's workers, Unicorn, Sidekiq's swarm). The parent
# has a producer of its own. Each worker opens one on first use, and nobody closes it: the end of the worker sends what
# is left.
require "sendoff"

BROKERS, TOPIC = ARGV.map(&:freeze)
WORKERS = 4
REQUESTS = 1000

# The process's producer. In Puma: `before_worker_boot { Events.reset }` or, as here, by the process's id.
module Events
  def self.producer
    return @producer if @process == Process.pid

    @process = Process.pid
    @producer = Sendoff::Producer.new("bootstrap.servers" => BROKERS)
  end
end

def handle_request(worker, number)
  Events.producer.produce(topic: TOPIC, key: "worker #{worker}", value: "request #{number}")
end

Events.producer.produce(topic: TOPIC, value: "server started").wait
workers = Array.new(WORKERS) do |worker|
  fork { REQUESTS.times { |number| handle_request(worker, number) } }
end
workers.each { |worker| Process.wait(worker) }
Events.producer.produce(topic: TOPIC, value: "server stopped").wait
puts "#{WORKERS} workers have sent #{REQUESTS} events each"
