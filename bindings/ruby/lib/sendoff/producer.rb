# frozen_string_literal: true

module Sendoff
  # Sends records to Apache Kafka. What {#produce} accepted is sent, also when nobody closes the producer: the end of
  # the program, or the garbage collector, does it then.
  #
  # All methods may be called by any thread, in trap handlers as well. Those that wait let other threads run meanwhile,
  # and are ended by Timeout, Thread#raise, Thread#kill and signals. Timeouts are seconds. A producer belongs to the
  # process that made it: after a fork the child opens one of its own.
  #
  # @example
  #   Sendoff::Producer.open("bootstrap.servers" => "localhost:9092") do |producer|
  #     producer.produce(topic: "greetings", value: "hello") { |delivery| puts delivery.offset }
  #   end
  class Producer
    # What {#counters} has.
    COUNTERS = (Native::Counters.instance_methods(false) - %i[size zero]).freeze

    # A producer, or with a block: yields it and closes it when the block is left, in whatever way.
    #
    # @param config [Hash] settings, by Kafka's names; see {#initialize}
    # @param logger [Logger, nil]
    # @param file [String, Pathname, nil]
    # @param token_provider [#call, nil]
    # @return [Producer] or what the block gives
    def self.open(config = {}, logger: nil, file: nil, token_provider: nil, **settings)
      producer = new(config, logger: logger, file: file, token_provider: token_provider, **settings)
      return producer unless block_given?

      begin
        yield producer
      ensure
        producer.close
      end
    end

    # Starts a producer and its threads. Does not wait for the network.
    #
    # @param config [Hash{String, Symbol => String, Symbol, Numeric, Boolean, Array}] settings by Kafka's names
    #   ("linger.ms"); a Symbol may have underscores for dots (`linger_ms:`). CONFIGURATION.md lists all,
    #   {Sendoff.settings} as well.
    # @param logger [Logger, nil] gets the library's log lines, and what delivery blocks raise. Its methods are called
    #   by threads of the producer. Without one there are no log lines, and blocks' exceptions go to stderr.
    # @param file [String, Pathname, nil] a file of settings in Java's .properties form, which the others overrule
    # @param token_provider [#call, nil] gives a {Token} whenever the producer needs another one to log in with, for
    #   `sasl.mechanism=OAUTHBEARER`. It is called without arguments by a thread of the producer, never twice at a time,
    #   and may take its time: what logs in meanwhile waits. What it raises reaches log lines and the errors of records,
    #   and it is called again after a pause that grows from `sasl.login.retry.backoff.ms`.
    # @param settings more of them, as keywords
    # @raise [ConfigurationError] if a setting is unknown, wrong or missing, or a token provider is, or is in vain
    # @raise [Error] FILE_UNREADABLE
    def initialize(config = {}, logger: nil, file: nil, token_provider: nil, **settings)
      @session = Session.open({ **config, **settings }, logger, file, token_provider)
      ObjectSpace.define_finalizer(self, @session.method(:abandon))
    end

    # Accepts a record, copying all of it, and returns at once. Only when the memory for records (`buffer.memory`) is
    # full it waits, `max.block.ms` at most, and never for the network. Strings are bytes, whatever their encoding; nil
    # is null, which is not empty.
    #
    # @param topic [String]
    # @param value [String, nil]
    # @param key [String, nil]
    # @param headers [Hash, Array<Array>, nil] names (String or Symbol) with values (String or nil), in order; in an
    #   Array of pairs names may repeat
    # @param partition [Integer, nil] nil: the partitioner chooses
    # @param timestamp [Time, Integer, nil] milliseconds since 1970 if an Integer; nil: now
    # @yieldparam delivery [Delivery] once the record has its report. Blocks are called one at a time, in the order of
    #   reports, by a thread of the producer. Nothing waits in a block: {#produce} raises {BufferFullError} at once,
    #   {#close} does not wait, {#flush} and {Delivery#wait} are refused. One that takes long delays the others, and
    #   nothing else.
    # @return [Delivery]
    # @raise [Error] if the record is not accepted: {ClosedError}, {BufferFullError}, {RecordTooLargeError},
    #   {ForkedError}, {BrokerError} for a name that no topic can have
    # @raise [TypeError] if a part is not of its type
    def produce(topic:, value:, key: nil, headers: nil, partition: nil, timestamp: nil)
      # A &block would cost those without one as well.
      return @session.produce(topic, value, key, headers, partition, timestamp, true) unless defined?(yield)

      @session.serve_callbacks
      @session.produce_with_block(topic, value, key, headers, partition, timestamp, true) do |delivery|
        yield delivery
      end
    end

    # As {#produce}, but never waits.
    #
    # @return [Delivery, nil] nil if the memory for records is full
    def try_produce(topic:, value:, key: nil, headers: nil, partition: nil, timestamp: nil)
      # A &block would cost those without one as well.
      return @session.produce(topic, value, key, headers, partition, timestamp, false) unless defined?(yield)

      @session.serve_callbacks
      @session.produce_with_block(topic, value, key, headers, partition, timestamp, false) do |delivery|
        yield delivery
      end
    end

    # Sends without lingering, and waits until every record accepted before has its report and its block has run.
    #
    # @param timeout [Numeric, nil] seconds; nil waits as long as it takes, which `delivery.timeout.ms` limits
    # @return [self]
    # @raise [TimeoutError] if some have none in time; they are still on their way
    # @raise [ClosedError, ForkedError]
    # @raise [Error] IN_CALLBACK within a delivery's block
    def flush(timeout: nil)
      return self if @session.flush(Deadline.new(timeout))

      raise Error.of(Native::TIMED_OUT, "#{@session.unfinished} records are still on their way")
    end

    # Refuses further records, sends those that were accepted without lingering, and waits until all have their reports
    # and all blocks have run. When the time is up it gives up what has no report: those deliveries fail. More closes
    # are harmless. Within a delivery's block it returns at once, and the rest happens after the block. In a forked
    # child the parent's producer is left alone.
    #
    # @param timeout [Numeric, nil] seconds; nil waits as long as it takes, which `delivery.timeout.ms` limits
    # @return [nil]
    # @raise [TimeoutError] if records were given up
    def close(timeout: nil)
      ObjectSpace.undefine_finalizer(self) unless frozen? # it does nothing after a close
      given_up = @session.close(Deadline.new(timeout))
      raise Error.of(Native::TIMED_OUT, "#{given_up} records were given up") if given_up.positive?
    end

    # @return [Boolean] whether records are refused
    def closed?
      @session.refuses? || !@session.ours?
    end

    # Waits until a broker has answered: names, ports and protocol are right. Nobody has to call it.
    #
    # @param timeout [Numeric, nil] seconds; nil waits as long as it takes
    # @return [self]
    # @raise [TimeoutError] with what was wrong last
    # @raise [ClosedError, ForkedError]
    def connect(timeout: nil)
      status, message = @session.connect(milliseconds(timeout))
      raise Error.of(status, message) unless status == Native::OK

      self
    end

    # The partitions of a topic. Waits for the cluster if they are not known yet.
    #
    # @param topic [String]
    # @param timeout [Numeric, nil] seconds; nil waits as long as it takes
    # @return [Array<Partition>]
    # @raise [BrokerError] if the cluster does not know the topic
    # @raise [TimeoutError, ClosedError, ForkedError]
    def partitions_for(topic, timeout: nil)
      status, snapshot = @session.partitions_for(topic, milliseconds(timeout))
      raise Error.of(status) unless status == Native::OK

      begin
        Partition.all_of(snapshot)
      ensure
        Native.partitions_destroy(snapshot)
      end
    end

    # Loads certificates, keys and passwords anew: without arguments from the files that the producer's settings name,
    # else from settings as for {#initialize}, of which those of TLS and logins count. Connections that are open go on
    # as they are; later ones, and later logins on open ones, use the new. What does not load changes nothing, and the
    # error says what it is. Waits for files to be read, while other threads run.
    #
    # @param config [Hash{String, Symbol => String}]
    # @param file [String, Pathname, nil]
    # @param settings more of them, as keywords
    # @return [self]
    # @raise [ConfigurationError] if something does not load, or the producer has no use for credentials, or another
    #   `security.protocol` or `sasl.mechanism` is asked for
    # @raise [ClosedError, ForkedError]
    # @raise [Error] FILE_UNREADABLE
    def reload_credentials(config = {}, file: nil, **settings)
      @session.reload_credentials({ **config, **settings }, file)
      self
    end

    # @return [String] without what it was configured with
    def inspect
      "#<#{self.class} #{closed? ? "closed" : "open"}>"
    end

    # Totals since the producer was made, and gauges of this moment, by name: `records_accepted`, `records_delivered`,
    # `batches_sent`, `buffer_bytes_used`, ... {COUNTERS} has all names.
    #
    # @return [Hash{Symbol => Integer}]
    # @raise [ForkedError]
    def counters
      @session.counters
    end

    private

    def milliseconds(seconds)
      seconds ? Deadline.milliseconds(seconds) : -1
    end
  end
end
