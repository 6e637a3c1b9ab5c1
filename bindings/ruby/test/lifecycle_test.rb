# frozen_string_literal: true

require_relative "helper"

# Deliveries, program ends and the garbage collector: what was accepted is sent.
Helper.on_brokers("Lifecycle") do
  def test_close_twice_and_by_many_threads
    producer = open_producer
    delivery = producer.produce(topic: new_topic, value: "x")
    Array.new(4) { Thread.new { producer.close } }.each(&:join)
    assert_nil(producer.close)
    assert(producer.closed?)
    assert(delivery.delivered?)
  end

  def test_after_close_records_are_refused
    producer = open_producer.tap(&:close)
    error = assert_raises(Sendoff::ClosedError) { producer.produce(topic: new_topic, value: "x") }
    assert_equal(:not_delivered, error.outcome)
    assert_raises(Sendoff::ClosedError) { producer.try_produce(topic: new_topic, value: "x") }
    assert_raises(Sendoff::ClosedError) { producer.flush }
    assert_raises(Sendoff::ClosedError) { producer.connect }
    assert_raises(Sendoff::ClosedError) { producer.partitions_for("t") }
  end

  def test_close_in_a_block_sends_all_and_does_not_wait_for_itself
    topic = new_topic
    producer = open_producer
    closed = Thread::Queue.new
    producer.produce(topic: topic, value: "first") { closed << producer.close }
    others = Array.new(100) { producer.produce(topic: topic, value: "more") }
    assert_nil(closed.pop)
    assert_raises(Sendoff::ClosedError) { producer.produce(topic: topic, value: "late") }
    others.each { |delivery| delivery.wait(timeout: PATIENCE) }
    producer.close
    assert_equal(101, values_in(topic).size)
  end

  def test_leaving_by_exception_closes
    topic = new_topic
    left = nil
    assert_raises(KeyError) do
      open_producer(linger_ms: 60_000) do |producer|
        left = producer
        producer.produce(topic: topic, value: "x")
        raise KeyError
      end
    end
    assert(left.closed?)
    assert_equal(["x"], values_in(topic))
    assert_equal(:thrown, catch(:out) { open_producer { throw :out, :thrown } })
  end

  def test_a_program_that_ends_without_close_loses_nothing
    topic = new_topic
    output, errors, status = run_program(<<~RUBY, bootstrap, topic)
      producer = Sendoff::Producer.new("bootstrap.servers" => ARGV[0], "linger.ms" => 60_000)
      1000.times { |index| producer.produce(topic: ARGV[1], value: index.to_s) { print "." } }
    RUBY
    assert(status.success?, errors)
    assert_equal(["." * 1000, ""], [output, errors])
    assert_equal((0...1000).map(&:to_s).sort, values_in(topic).sort)
  end

  def test_ends_by_exit_exception_and_signal_lose_nothing
    ["exit 3", "raise 'gone'", "Process.kill(:TERM, Process.pid); sleep", "Process.kill(:INT, Process.pid); sleep",
     "Thread.new { exit 3 }.join", "at_exit { producer.produce(topic: ARGV[1], value: 'x') }; exit 3"].each do |ending|
      topic = new_topic
      _, _, status = run_program(<<~RUBY, bootstrap, topic)
        producer = Sendoff::Producer.new("bootstrap.servers" => ARGV[0], "linger.ms" => 60_000)
        producer.produce(topic: ARGV[1], value: "x")
        #{ending}
      RUBY
      refute(status.success?)
      assert_equal(["x"], values_in(topic).uniq, ending)
    end
  end

  def test_a_producer_that_is_collected_sends_what_it_accepted
    topic = new_topic
    _, errors, status = run_program(<<~RUBY, bootstrap, topic)
      def forget
        3.times do
          producer = Sendoff::Producer.new("bootstrap.servers" => ARGV[0], "linger.ms" => 60_000)
          100.times { producer.produce(topic: ARGV[1], value: "x") }
        end
      end
      threads = Thread.list.size
      forget
      100.times { Object.new }
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + #{PATIENCE}
      # The stack may still hold the last one.
      until Thread.list.size <= threads + 1
        GC.start
        abort "threads are left" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
        sleep 0.01
      end
    RUBY
    assert(status.success?, errors)
    assert_includes(errors, "collected without close")
    assert_equal(300, values_in(topic).size)
  end

  def test_every_block_may_exit_and_all_run
    output, errors, status = run_program(<<~RUBY, bootstrap, new_topic)
      $stdout.sync = true
      producer = Sendoff::Producer.new("bootstrap.servers" => ARGV[0])
      20.times { producer.produce(topic: ARGV[1], value: "x") { sleep(0.01) && print(".") || exit(7) } }
      sleep
    RUBY
    assert_equal([7, "." * 20, ""], [status.exitstatus, output, errors])
  end

  def test_the_programs_end_waits_for_blocks_after_a_close_in_one
    output, errors, status = run_program(<<~RUBY, bootstrap, new_topic)
      $stdout.sync = true
      producer = Sendoff::Producer.new("bootstrap.servers" => ARGV[0])
      20.times do
        producer.produce(topic: ARGV[1], value: "x") do
          producer.close
          sleep 0.05
          print "."
        end
      end
      sleep 0.01 while Thread.list.any? { |thread| thread.name == "sendoff drain" }
    RUBY
    assert(status.success?, errors)
    assert_equal("." * 20, output)
  end

  def test_close_in_a_trap_handler
    topic = new_topic
    output, errors, status = run_program(<<~RUBY, bootstrap, topic)
      producer = Sendoff::Producer.new("bootstrap.servers" => ARGV[0], "linger.ms" => 60_000)
      delivery = producer.produce(topic: ARGV[1], value: "x")
      trap("TERM") do
        producer.close
        puts delivery.delivered?
        $stdout.flush
        exit!(0)
      end
      Process.kill(:TERM, Process.pid)
      delivery.wait
      sleep
    RUBY
    assert(status.success?, errors)
    assert_equal(["true\n", ""], [output, errors])
    assert_equal(["x"], values_in(topic))
  end
end

# Ends that need no broker.
class LifecycleTest < Minitest::Test
  include Helper

  def test_a_program_does_not_wait_for_ever_for_what_cannot_be_sent
    _, errors, status = run_program(<<~RUBY)
      producer = Sendoff::Producer.new("bootstrap.servers" => "#{NOWHERE}", "shutdown.timeout.ms" => 100)
      7.times { producer.produce(topic: "t", value: "x") }
    RUBY
    assert(status.success?)
    assert_equal("sendoff: the program ended before 7 records were delivered\n", errors)
  end

  def test_close_in_a_block_with_a_timeout_gives_up
    producer = stuck_producer(delivery_timeout_ms: 100, request_timeout_ms: 50, linger_ms: 0)
    stuck = nil
    producer.produce(topic: "t", value: "x") { producer.close(timeout: 0.1) }
    wait_until("the block closes it") do
      stuck = producer.produce(topic: "t", value: "x")
      producer.closed?
    rescue Sendoff::ClosedError
      true
    end
    wait_until("the rest is given up") { stuck.done? }
    refute(stuck.delivered?)
  end

  def test_a_frozen_producer_closes
    assert_nil(Sendoff::Producer.new(bootstrap_servers: NOWHERE).freeze.close)
  end

  # As when Thread#kill comes just before the library is called.
  def test_a_close_that_was_interrupted_before_it_gave_up_can_be_repeated
    producer = stuck_producer
    producer.produce(topic: "t", value: "x")
    producer.instance_variable_get(:@session).define_singleton_method(:abort) do
      singleton_class.remove_method(:abort)
      raise KeyError
    end
    assert_raises(KeyError) { producer.close(timeout: 0) }
    assert_raises(Sendoff::TimeoutError) { Timeout.timeout(PATIENCE) { producer.close(timeout: 0) } }
  end

  def test_many_producers_come_and_go
    threads = Thread.list.size
    50.times { Sendoff::Producer.open(bootstrap_servers: NOWHERE) { |producer| refute(producer.closed?) } }
    wait_until("their threads end") { Thread.list.size <= threads }
  end
end
