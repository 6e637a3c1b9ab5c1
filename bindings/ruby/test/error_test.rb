# frozen_string_literal: true

require_relative "helper"

# Errors that need no broker.
class ErrorTest < Minitest::Test
  include Helper

  def test_an_unknown_setting_is_named
    error = assert_raises(Sendoff::ConfigurationError) { Sendoff::Producer.new("linger.msec" => 5) }
    assert_equal("UNKNOWN_SETTING", error.name)
    assert_includes(error.message, "linger.msec")
  end

  def test_a_bad_value_is_named_with_what_is_allowed
    error = assert_raises(Sendoff::ConfigurationError) do
      Sendoff::Producer.new(bootstrap_servers: NOWHERE, linger_ms: -1)
    end
    assert_equal(["INVALID_SETTING", Sendoff::Native::INVALID_SETTING], [error.name, error.code])
    assert_match(/linger\.ms.*0 to 2147483647/, error.message)
  end

  def test_values_of_other_types_are_refused
    [nil, Object.new, { a: 1 }].each do |value|
      assert_raises(Sendoff::ConfigurationError) { Sendoff::Producer.new("bootstrap.servers" => value) }
    end
  end

  def test_bootstrap_servers_must_be_set
    error = assert_raises(Sendoff::ConfigurationError) { Sendoff::Producer.new }
    assert_includes(error.message, "bootstrap.servers")
  end

  def test_settings_of_a_file_are_overruled_by_others
    Tempfile.create("settings") do |file|
      file.write("bootstrap.servers=#{NOWHERE}\nlinger.ms=many\n")
      file.flush
      error = assert_raises(Sendoff::ConfigurationError) { Sendoff::Producer.new(file: file.path) }
      assert_includes(error.message, "linger.ms")
      file.reopen(file.path, "w")
      file.write("bootstrap.servers=#{NOWHERE}\nmax.request.size=100\n")
      file.flush
      Sendoff::Producer.open(file: file.path, max_request_size: 300) do |producer|
        assert_raises(Sendoff::RecordTooLargeError) { producer.produce(topic: "t", value: "x" * 400) }
        producer.produce(topic: "t", value: "x" * 150)
        assert_raises(Sendoff::TimeoutError) { producer.close(timeout: 0) }
      end
    end
  end

  def test_a_file_that_asks_for_another_report_mode_or_is_missing_is_refused
    Tempfile.create("settings") do |file|
      file.write("bootstrap.servers=#{NOWHERE}\ndelivery.report.mode=callback\n")
      file.flush
      error = assert_raises(Sendoff::ConfigurationError) { Sendoff::Producer.new(file: file.path) }
      assert_includes(error.message, "delivery.report.mode")
      missing = assert_raises(Sendoff::Error) { Sendoff::Producer.new(file: "#{file.path}.missing") }
      assert_equal("FILE_UNREADABLE", missing.name)
      assert_includes(missing.message, "missing")
    end
  end

  def test_another_report_mode_is_refused
    error = assert_raises(Sendoff::ConfigurationError) do
      Sendoff::Producer.new(bootstrap_servers: NOWHERE, delivery_report_mode: "callback")
    end
    assert_includes(error.message, "delivery.report.mode")
  end

  def test_names_are_strings_or_symbols_and_lists_are_arrays
    config = { "bootstrap.servers" => [NOWHERE, "127.0.0.1:2"], linger_ms: 0.5, "acks": :all }
    refute(Sendoff::Producer.open(config).tap(&:close).nil?)
  end

  def test_a_record_that_is_too_large
    producer = stuck_producer
    error = assert_raises(Sendoff::RecordTooLargeError) { producer.produce(topic: "t", value: "x" * 2_000_000) }
    assert_equal(:not_delivered, error.outcome)
    refute(error.retriable?)
  end

  def test_a_topic_that_cannot_be
    producer = stuck_producer
    ["no spaces", "", "\0", "t\u00e4st", "utf16".encode("UTF-16LE")].each do |name|
      error = assert_raises(Sendoff::BrokerError) { producer.produce(topic: name, value: "x") }
      assert_equal([17, "INVALID_TOPIC_EXCEPTION"], [error.code, error.name])
    end
  end

  def test_parts_of_other_types
    producer = stuck_producer
    assert_raises(TypeError) { producer.produce(topic: "t", value: 1) }
    assert_raises(TypeError) { producer.produce(topic: "t", value: :symbol) }
    assert_raises(TypeError) { producer.produce(topic: nil, value: "x") }
    assert_raises(TypeError) { producer.produce(topic: "t", value: "x", key: 1) }
    assert_raises(TypeError) { producer.produce(topic: "t", value: "x", partition: "0") }
    assert_raises(TypeError) { producer.produce(topic: "t", value: "x", timestamp: "now") }
    assert_raises(TypeError) { producer.produce(topic: "t", value: "x", headers: { "a" => 1 }) }
    assert_raises(TypeError) { producer.produce(topic: "t", value: "x", headers: "a") }
    assert_raises(ArgumentError) { producer.produce(topic: "t", value: "x", headers: [["a"]]) }
    assert_raises(ArgumentError) { producer.produce(value: "x") }
    assert_equal(0, producer.counters[:records_accepted])
  end

  def test_a_full_buffer
    producer = stuck_producer(buffer_memory: 100_000, batch_size: 16_384, max_block_ms: 50)
    error = assert_raises(Sendoff::BufferFullError) { 100.times { producer.produce(topic: "t", value: "x" * 10_000) } }
    assert(error.retriable?)
    assert_equal(:not_delivered, error.outcome)
    assert_nil(producer.try_produce(topic: "t", value: "x" * 10_000))
  end

  def test_timeouts_out_of_range
    producer = stuck_producer(max_block_ms: 2**63 - 1)
    [0, -1, -0.5].each { |over| assert_raises(Sendoff::TimeoutError) { producer.connect(timeout: over) } }
    assert_same(producer, producer.flush(timeout: Float::INFINITY))
    producer.produce(topic: "t", value: "x")
    [Float::INFINITY, 1e30].each do |endless|
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { producer.flush(timeout: endless) } }
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { producer.connect(timeout: endless) } }
    end
  end

  def test_timestamps_that_are_none
    producer = stuck_producer
    [1.5, Time.now.to_r, "now"].each do |other|
      assert_raises(TypeError) { producer.produce(topic: "t", value: "x", timestamp: other) }
    end
    [2**63, Time.at(2**62)].each do |far|
      assert_raises(RangeError) { producer.produce(topic: "t", value: "x", timestamp: far) }
    end
  end

  def test_the_text_of_events_is_utf_8
    assert_equal(Encoding::UTF_8, Sendoff::Native::Event.new.text.encoding)
  end

  def test_waits_time_out
    producer = stuck_producer
    delivery = producer.produce(topic: "t", value: "x")
    assert_raises(Sendoff::TimeoutError) { delivery.wait(timeout: 0.05) }
    assert_raises(Sendoff::TimeoutError) { producer.flush(timeout: 0.05) }
    assert_raises(Sendoff::TimeoutError) { producer.connect(timeout: 0.05) }
    assert_raises(Sendoff::TimeoutError) { producer.partitions_for("t", timeout: 0.05) }
    refute(delivery.done?)
  end

  def test_a_close_that_is_too_late_gives_up
    producer = stuck_producer
    delivery = producer.produce(topic: "t", value: "x")
    assert_operator(producer.counters[:buffer_bytes_staged], :>, 0) # nobody has told where it goes
    error = assert_raises(Sendoff::TimeoutError) { producer.close(timeout: 0.05) }
    assert_includes(error.message, "1 records")
    assert_equal(:not_delivered, delivery.outcome)
    assert_raises(Sendoff::Error) { delivery.wait }
    assert_equal("ABORTED", delivery.error.name)
  end

  def test_the_delivery_timeout
    producer = stuck_producer(delivery_timeout_ms: 100, request_timeout_ms: 50, linger_ms: 0)
    delivery = producer.produce(topic: "t", value: "x")
    error = assert_raises(Sendoff::DeliveryTimeoutError) { delivery.wait(timeout: PATIENCE) }
    assert_equal(:not_delivered, error.outcome)
    assert_kind_of(Sendoff::TimeoutError, error)
  end

  def test_settings_are_listed
    linger = Sendoff.settings.find { |setting| setting.name == "linger.ms" }
    assert_equal(%w[double 5], [linger.type, linger.default])
    assert_equal(Sendoff::VERSION, Sendoff.library_version)
    assert_empty(%w[gzip lz4 snappy zstd] - Sendoff.features)
    assert_equal(Sendoff.features.sort, Sendoff.features)
  end
end

Helper.on_brokers("BrokerError") do
  def test_what_the_cluster_refuses
    open_producer(allow_auto_create_topics: false, topic_metadata_propagation_max_ms: 200) do |producer|
      delivery = producer.produce(topic: new_topic, value: "x")
      error = assert_raises(Sendoff::BrokerError) { delivery.wait(timeout: PATIENCE) }
      assert_equal([3, "UNKNOWN_TOPIC_OR_PARTITION"], [error.code, error.name])
      assert_equal(:not_delivered, delivery.outcome)
      assert(error.retriable?)
    end
  end

  def test_a_partition_that_is_not_there
    topic = new_topic
    open_producer do |producer|
      producer.produce(topic: topic, value: "x").wait(timeout: PATIENCE)
      error = assert_raises(Sendoff::Error) { producer.produce(topic: topic, value: "x", partition: 99).wait }
      assert_equal("PARTITION_OUT_OF_RANGE", error.name)
    end
  end
end
