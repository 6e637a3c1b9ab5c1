# frozen_string_literal: true

require_relative "helper"

Helper.on_brokers("Thread") do
  def test_8_threads_send_one_flushes_and_one_closes
    topic = new_topic.freeze
    producer = open_producer
    accepted = Thread::Queue.new
    senders = Array.new(8) do |number|
      Thread.new do
        (0..).each do |index|
          value = "#{number} #{index}"
          accepted << [producer.produce(topic: topic, value: value), value]
        end
      rescue Sendoff::ClosedError
        number
      end
    end
    flusher = Thread.new do
      loop { producer.flush }
    rescue Sendoff::ClosedError
      :closed
    end
    wait_until("they send") { accepted.size > 20_000 }
    Thread.new { producer.close }.join(PATIENCE)
    assert_equal((0...8).to_a, senders.map(&:value))
    assert_equal(:closed, flusher.value)
    pairs = Array.new(accepted.size) { accepted.pop }
    assert(pairs.all? { |delivery, _| delivery.delivered? })
    assert_equal(pairs.map(&:last).sort, values_in(topic).sort)
  end

  def test_many_threads_wait_for_their_own_records
    topic = new_topic.freeze
    open_producer(linger_ms: 1) do |producer|
      threads = Array.new(16) do
        Thread.new { Array.new(50) { producer.produce(topic: topic, value: "x").wait(timeout: PATIENCE).offset } }
      end
      assert_equal(800, threads.flat_map(&:value).size)
    end
    assert_equal(800, values_in(topic).size)
  end
end
