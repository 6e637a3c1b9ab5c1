# frozen_string_literal: true

require_relative "helper"

# Every wait lets other threads run and can be ended. The records go nowhere, so each waits until it is.
class InterruptTest < Minitest::Test
  include Helper

  # What waits, given a producer with a record that has no report.
  WAITS = {
    "wait" => 'producer.produce(topic: "t", value: "x").wait',
    "flush" => "producer.flush",
    "close" => "producer.close",
    "connect" => "producer.connect",
    "partitions_for" => 'producer.partitions_for("t")',
    "produce" => 'loop { producer.produce(topic: "t", value: "x" * 10_000) }'
  }.freeze

  WAITS.each do |name, source|
    wait = eval("->(producer) { #{source} }", binding, __FILE__, __LINE__)
    define_method("test_timeout_ends_#{name}") do
      producer = waiting_producer
      assert_raises(Timeout::Error) { Timeout.timeout(0.1) { wait.call(producer) } }
    end

    define_method("test_raise_and_kill_end_#{name}_and_others_run_meanwhile") do
      producer = waiting_producer
      raised = in_wait(producer, &wait)
      raised.raise(KeyError)
      assert_raises(KeyError) { raised.join(PATIENCE) }
      killed = in_wait(producer, &wait)
      killed.kill
      assert_same(killed, killed.join(PATIENCE))
    end

    define_method("test_ctrl_c_ends_#{name}") do
      output, errors, status = run_program(<<~RUBY)
        producer = Sendoff::Producer.new("bootstrap.servers" => "#{NOWHERE}", "buffer.memory" => 100_000,
                                         "batch.size" => 16_384, "shutdown.timeout.ms" => 0)
        producer.produce(topic: "t", value: "x")
        begin
          Thread.new { sleep 0.1; Process.kill(:INT, Process.pid) }
          #{source}
        rescue Interrupt
          puts "interrupted"
        end
      RUBY
      assert(status.success?, errors)
      assert_equal("interrupted\n", output)
    end
  end

  def test_a_close_that_was_interrupted_can_be_repeated
    producer = waiting_producer
    delivery = producer.produce(topic: "t", value: "x")
    assert_raises(Timeout::Error) { Timeout.timeout(0.05) { producer.close } }
    assert(producer.closed?)
    assert_raises(Sendoff::TimeoutError) { producer.close(timeout: 0) }
    assert(delivery.done?)
  end

  def test_its_threads_may_be_killed
    producer = waiting_producer
    producer.produce(topic: "t", value: "x") { nil }
    Thread.list.select { |thread| thread.name&.start_with?("sendoff") }.each(&:kill).each(&:join)
    assert_raises(Sendoff::TimeoutError) { producer.flush(timeout: 0.05) }
    assert(Thread.list.any? { |thread| thread.name == "sendoff drain" })
  end

  private

  def waiting_producer
    stuck_producer(buffer_memory: 100_000, batch_size: 16_384).tap { |it| it.produce(topic: "t", value: "x") }
  end

  # A thread that sleeps in a wait.
  def in_wait(producer)
    thread = Thread.new do
      Thread.current.report_on_exception = false
      yield producer
    end
    wait_until("it waits") { thread.status == "sleep" || !thread.alive? }
    thread
  end
end
