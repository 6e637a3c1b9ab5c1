# frozen_string_literal: true

require_relative "helper"

Helper.on_brokers("Delivery") do
  def test_100_000_records_are_delivered_and_read_back
    topic = new_topic
    deliveries = open_producer do |producer|
      Array.new(100_000) { |index| producer.produce(topic: topic, value: "record #{index}", key: index.to_s) }
    end
    assert(deliveries.all?(&:delivered?))
    assert_equal(Array.new(100_000) { |index| "record #{index}" }.sort, values_in(topic).sort)
  end

  def test_a_delivery_says_where_the_record_is
    topic = new_topic
    open_producer do |producer|
      delivery = producer.produce(topic: topic, value: "here", partition: 2, timestamp: 1_700_000_000_123)
      assert_same(delivery, delivery.wait(timeout: PATIENCE))
      assert(delivery.done?)
      assert_equal([topic, 2, 0, :delivered], [delivery.topic, delivery.partition, delivery.offset, delivery.outcome])
      assert_equal(Time.at(1_700_000_000, 123, :millisecond), delivery.timestamp)
      assert_operator(delivery.latency, :>, 0)
      assert_operator(delivery.attempts, :>=, 1)
      assert_kind_of(Integer, delivery.broker)
      assert_nil(delivery.error)
      refute(delivery.log_append_time?)
      assert_includes(delivery.inspect, "#{topic}/2/0 delivered")
    end
    record = read_back(topic).first
    assert_equal([2, 0, 1_700_000_000_123, "here"],
                 [record.partition, record.offset, record.timestamp_ms, record.value])
  end

  def test_nil_is_not_empty
    topic = new_topic
    open_producer do |producer|
      [[nil, "null key"], ["", "empty key"], ["null value", nil], ["empty value", ""]].each do |key, value|
        producer.produce(topic: topic, key: key, value: value, partition: 0)
      end
    end
    assert_equal([[nil, "null key"], ["", "empty key"], ["null value", nil], ["empty value", ""]],
                 read_back(topic).map { |record| [record.key, record.value] })
  end

  def test_headers_repeat_and_are_null
    topic = new_topic
    open_producer do |producer|
      repeated = [["a", "1"], ["b", nil], ["a", ""], [:c, "\xff"]]
      producer.produce(topic: topic, value: "", partition: 0, headers: repeated)
      producer.produce(topic: topic, value: "", partition: 0, headers: { "x" => "y", z: nil })
      producer.produce(topic: topic, value: "", partition: 0, headers: {})
    end
    assert_equal(["a=1,b=NULL,a=,c=\xff".b, "x=y,z=NULL", ""], read_back(topic).map { |record| record.headers.to_s })
  end

  def test_strings_are_bytes_whatever_their_encoding
    topic = new_topic
    text = "gr\u00fc\u00dfe"
    texts = [text, text.encode("UTF-16LE"), text.encode("ISO-8859-1"), "\x00\xff\n".b,
             "broken \xc3".dup.force_encoding("UTF-8"), "frozen"]
    open_producer do |producer|
      texts.each { |bytes| producer.produce(topic: topic.encode("US-ASCII"), key: bytes, value: bytes, partition: 0) }
    end
    assert_equal(texts.map(&:b), values_in(topic))
    assert_equal(texts.map(&:b), read_back(topic).map(&:key))
  end

  def test_what_changes_after_produce_is_not_sent
    topic = new_topic
    open_producer do |producer|
      value = +"before"
      producer.produce(topic: topic, value: value)
      value.replace("after")
    end
    assert_equal(["before"], values_in(topic))
  end

  def test_values_of_a_megabyte
    topic = new_topic
    values = Array.new(4) { |index| index.to_s * 1_000_000 }
    open_producer(partitioner_class: "round_robin") do |producer|
      values.each { |value| producer.produce(topic: topic, value: value) }
    end
    assert_equal(values.sort, values_in(topic).sort)
  end

  def test_a_timestamp_is_a_time_or_milliseconds
    topic = new_topic
    open_producer do |producer|
      producer.produce(topic: topic, value: "", partition: 0, timestamp: Time.at(1_600_000_000, 987_654, :microsecond))
      producer.produce(topic: topic, value: "", partition: 0, timestamp: 0)
    end
    assert_equal([1_600_000_000_987, 0], read_back(topic).map(&:timestamp_ms))
  end

  def test_each_codec
    topic = new_topic
    %w[none gzip snappy lz4 zstd].each do |codec|
      open_producer(compression_type: codec) do |producer|
        100.times { producer.produce(topic: topic, value: codec, partition: 0) }
      end
    end
    assert_equal(%w[none gzip snappy lz4 zstd].flat_map { |codec| [codec] * 100 }, values_in(topic))
  end

  def test_without_acknowledgements_a_record_is_sent_and_its_outcome_unknown
    open_producer(acks: 0, enable_idempotence: false) do |producer|
      delivery = producer.produce(topic: new_topic, value: "x")
      assert_same(delivery, delivery.wait(timeout: PATIENCE))
      assert_equal(:unknown, delivery.outcome)
      assert_nil(delivery.error)
      refute(delivery.delivered?)
    end
  end

  def test_flush_waits_for_what_was_accepted_before
    open_producer(linger_ms: 600_000, delivery_timeout_ms: 700_000) do |producer|
      deliveries = Array.new(1000) { producer.produce(topic: new_topic_once, value: "x") }
      refute(deliveries.last.done?)
      assert_same(producer, producer.flush(timeout: PATIENCE))
      assert(deliveries.all?(&:delivered?))
    end
  end

  def test_partitions_and_counters
    topic = new_topic
    open_producer do |producer|
      assert_same(producer, producer.connect(timeout: PATIENCE))
      producer.produce(topic: topic, value: "x").wait(timeout: PATIENCE)
      partitions = producer.partitions_for(topic, timeout: PATIENCE)
      assert_equal([0, 1, 2], partitions.map(&:id))
      assert(partitions.all? { |partition| partition.replicas == [partition.leader] && partition.error.nil? })
      assert_equal(1, producer.counters[:records_delivered])
      producer.close
      assert_equal(1, producer.counters[:records_delivered])
    end
  end

  def test_the_logger_is_told
    output = StringIO.new
    logger = Logger.new(output)
    Sendoff::Producer.open(bootstrap_servers: bootstrap, log_level: 7, logger: logger) do |producer|
      producer.produce(topic: new_topic, value: "x").wait(timeout: PATIENCE)
    end
    assert_match(/^[DIW], .* -- : /, output.string)
  end

  private

  def new_topic_once
    @new_topic_once ||= new_topic.freeze
  end
end
