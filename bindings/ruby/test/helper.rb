# frozen_string_literal: true

require "logger"
require "minitest/autorun"
require "open3"
require "rbconfig"
require "securerandom"
require "stringio"
require "tempfile"
require "timeout"
require "sendoff"

# A test hangs rather than fails when something waits that should not: no wait of a test is longer.
PATIENCE = 60

# What tests share.
module Helper
  BROKERS = { "embedded" => ENV.fetch("SENDOFF_TEST_EMBEDDED"), "kafka" => ENV.fetch("SENDOFF_TEST_KAFKA") }.freeze
  # Nothing listens there, and nothing is accepted.
  NOWHERE = "127.0.0.1:1"

  # A record as kcat reads it back.
  Record = Struct.new(:partition, :offset, :timestamp_ms, :headers, :key, :value)

  # The tests of the block once for each broker, which `bootstrap` names.
  def self.on_brokers(name, &tests)
    BROKERS.each do |broker, bootstrap|
      test_class = Class.new(Minitest::Test) do
        include Helper
        define_method(:bootstrap) { bootstrap }
        class_eval(&tests)
      end
      Object.const_set("#{name}On#{broker.capitalize}", test_class)
    end
  end

  def new_topic
    "ruby-#{SecureRandom.hex(6)}"
  end

  def open_producer(**settings, &block)
    Sendoff::Producer.open(bootstrap_servers: bootstrap, **settings, &block)
  end

  # A producer whose records go nowhere; given up at the end of the test.
  def stuck_producer(**settings)
    producer = Sendoff::Producer.new(bootstrap_servers: NOWHERE, **settings)
    (@stuck ||= []) << producer
    producer
  end

  def teardown
    @stuck&.each { |producer| give_up(producer) }
    super
  end

  def give_up(producer)
    producer.close(timeout: 0)
  rescue Sendoff::TimeoutError
    nil # what was to be shown is that they had no report
  end

  # All that is in a topic, read by another client.
  def read_back(topic)
    format = "%p %o %K %S %T %h\\n%k%s\\n"
    output, errors, status = Open3.capture3("kcat", "-C", "-b", bootstrap, "-t", topic, "-e", "-q", "-o", "beginning",
                                            "-f", format, binmode: true)
    raise "kcat: #{errors}" unless status.success?

    parse(output)
  end

  def values_in(topic)
    read_back(topic).map(&:value)
  end

  # A program in a Ruby of its own, with warnings on. Returns what it wrote, its errors and its status.
  def run_program(source, *arguments, ruby_options: ["-w"])
    Tempfile.create(["program", ".rb"]) do |file|
      file.write("# frozen_string_literal: true\nrequire 'sendoff'\n#{source}")
      file.close
      command = [RbConfig.ruby, *ruby_options, *$LOAD_PATH.map { |path| "-I#{path}" }, file.path, *arguments]
      Timeout.timeout(PATIENCE * 2) { Open3.capture3(*command) }
    end
  end

  # Fails unless the block becomes true.
  def wait_until(what)
    deadline = now + PATIENCE
    until yield
      flunk("not in time: #{what}") if now > deadline
      sleep 0.01
    end
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  private

  def parse(output)
    records = []
    position = 0
    while position < output.bytesize
      line_end = output.index("\n", position)
      partition, offset, key_size, value_size, timestamp, headers = output[position...line_end].split(" ", 6)
      key = output.byteslice(line_end + 1, [key_size.to_i, 0].max)
      value = output.byteslice(line_end + 1 + key.bytesize, [value_size.to_i, 0].max)
      records << Record.new(partition.to_i, offset.to_i, timestamp.to_i, headers,
                            (key unless key_size == "-1"), (value unless value_size == "-1"))
      position = line_end + key.bytesize + value.bytesize + 2
    end
    records
  end
end
