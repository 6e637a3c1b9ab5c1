# frozen_string_literal: true

require_relative "helper"

Helper.on_brokers("Callback") do
  def test_a_block_is_called_with_its_delivery_once_and_in_order
    topic = new_topic
    calls = []
    deliveries = open_producer do |producer|
      Array.new(5000) do |index|
        producer.produce(topic: topic, value: index.to_s, partition: 0) { |delivery| calls << delivery }
      end
    end
    assert_equal(deliveries.map(&:object_id), calls.map(&:object_id))
    assert_equal((0...5000).to_a, calls.map(&:offset))
  end

  def test_flush_waits_until_the_blocks_have_run
    open_producer do |producer|
      calls = 0
      50.times { producer.produce(topic: new_topic_once, value: "x") { sleep(0.002) && calls += 1 } }
      producer.flush(timeout: PATIENCE)
      assert_equal(50, calls)
    end
  end

  def test_what_a_block_raises_harms_nothing_else
    calls = Thread::Queue.new
    _, errors = capture_io do
      open_producer do |producer|
        [-> { raise "from a block" }, -> { throw :nobody }, -> { raise NoMemoryError }, -> { raise Interrupt },
         -> { Thread.exit }, -> { raise Timeout::Error }].each do |bad|
          producer.produce(topic: new_topic_once, value: "x", partition: 0) { bad.call }
        end
        producer.produce(topic: new_topic_once, value: "x", partition: 0) { calls << :good }
        producer.flush(timeout: PATIENCE)
      end
    end
    assert_equal(1, calls.size)
    assert_includes(errors, "a delivery's block raised")
    assert_includes(errors, "from a block")
    assert_includes(errors, "UncaughtThrowError")
  end

  def test_a_block_that_takes_5_seconds_stops_no_other_delivery
    open_producer do |producer|
      started = Thread::Queue.new
      finish = Thread::Queue.new
      is_over = false
      blocked = producer.produce(topic: new_topic_once, value: "x") do
        started << true
        finish.pop
        sleep 0.01 until is_over
      end
      started.pop
      others = Array.new(10_000) { producer.produce(topic: new_topic_once, value: "y") }
      others.each { |delivery| delivery.wait(timeout: PATIENCE) } # while the block has not even been let go
      finish << true
      begun = now
      producer.produce(topic: new_topic_once, value: "z").wait(timeout: PATIENCE)
      sleep 0.01 until now - begun >= 5
      is_over = true
      assert(blocked.delivered?)
    end
  end

  def test_nothing_waits_in_a_block_but_records_can_be_sent
    results = Thread::Queue.new
    open_producer do |producer|
      producer.produce(topic: new_topic_once, value: "x") do
        next_one = producer.produce(topic: new_topic_once, value: "y") { results << :second }
        [-> { producer.flush }, -> { next_one.wait }].each do |wait|
          wait.call
        rescue Sendoff::Error => error
          results << error.name
        end
      end
      wait_until("the second block runs") { results.size == 3 }
    end
    assert_equal(["IN_CALLBACK", "IN_CALLBACK", :second], Array.new(3) { results.pop })
  end

  def test_an_exit_in_a_block_ends_the_program_and_loses_nothing
    topic = new_topic
    _, errors, status = run_program(<<~RUBY, bootstrap, topic)
      producer = Sendoff::Producer.new("bootstrap.servers" => ARGV[0])
      producer.produce(topic: ARGV[1], value: "x") do
        producer.produce(topic: ARGV[1], value: "y")
        exit 7
      end
      sleep
    RUBY
    assert_equal([7, ""], [status.exitstatus, errors])
    assert_equal(%w[x y], values_in(topic).sort)
  end

  def test_blocks_that_are_slower_than_the_sender_hold_it_back
    open_producer(buffer_memory: 200_000, batch_size: 16_384) do |producer|
      calls = 0
      20_000.times { producer.produce(topic: new_topic_once, value: "x" * 100) { calls += 1 } }
      producer.flush(timeout: PATIENCE)
      assert_equal(20_000, calls)
    end
  end

  private

  def new_topic_once
    @new_topic_once ||= new_topic.freeze
  end
end
