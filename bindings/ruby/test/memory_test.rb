# frozen_string_literal: true

require "objspace"
require_relative "helper"

Helper.on_brokers("Collector") do
  def test_under_stress_and_compaction
    topic = new_topic
    output, errors, status = run_program(<<~RUBY, bootstrap, topic)
      config = { "bootstrap.servers" => ARGV[0], "linger.ms" => 20 }
      calls = 0
      Sendoff::Producer.open(config) do |producer|
        send = lambda do |index|
          headers = { "h\#{index}" => "v" * index, other: nil }
          producer.produce(topic: ARGV[1], key: "k" * index, value: "v\#{index}", headers: headers) do |delivery|
            calls += 1 if delivery.delivered? && delivery.topic == ARGV[1]
          end
        end
        GC.stress = true
        kept = Array.new(50) { |index| send.call(index) }
        GC.stress = false
        GC.auto_compact = true
        20.times do |round|
          50.times { |index| send.call(100 + round * 50 + index) }
          GC.compact
          GC.verify_compaction_references(double_heap: true, toward: :empty) if round == 10
        end
        producer.flush
        GC.verify_internal_consistency
        abort "a kept delivery is not right" unless kept.all? { |delivery| delivery.wait.topic == ARGV[1] }
      end
      puts calls
    RUBY
    assert(status.success?, errors)
    assert_equal(["1050\n", ""], [output, errors])
    assert_equal((0...50).chain(100...1100).map { |index| "v#{index}" }.sort, values_in(topic).sort)
  end
end

# Deliveries that nobody keeps.
class MemoryTest < Minitest::Test
  include Helper

  def test_a_delivery_that_is_not_kept_is_collected_while_it_is_on_its_way
    producer = stuck_producer(buffer_memory: 64 << 20)
    10_000.times { producer.produce(topic: "t", value: "x") }
    GC.start
    assert_operator(ObjectSpace.each_object(Sendoff::Delivery).count, :<, 1000)
    assert_operator(ObjectSpace.memsize_of_all(Sendoff::Native::Producer), :>, 0)
  end

  # RSS after 1 and after 5 million records, on a broker that keeps nothing; with so little memory for records that all
  # of it is in use early, whatever the pace.
  def test_memory_is_steady_over_5_million_records
    output, errors, status = run_program(<<~RUBY, ENV.fetch("SENDOFF_TEST_SINK"))
      def resident = File.read("/proc/self/status")[/VmRSS:\\s+(\\d+)/, 1].to_i
      Sendoff::Producer.open("bootstrap.servers" => ARGV[0], "buffer.memory" => 4 << 20) do |producer|
        value = ("x" * 100).freeze
        count = 0
        1.upto(5_000_000) do |number|
          if number % 50 == 0
            producer.produce(topic: "memory", value: value) { count += 1 }
          else
            producer.produce(topic: "memory", value: value)
          end
          puts resident if number == 1_000_000
        end
        producer.flush
        puts resident
        abort "blocks are missing" unless count == 100_000
      end
    RUBY
    assert(status.success?, errors)
    at_one_million, at_five_million = output.lines.map(&:to_i)
    assert_operator(at_five_million - at_one_million, :<, 24 * 1024, "KiB more than at one million")
  end
end
