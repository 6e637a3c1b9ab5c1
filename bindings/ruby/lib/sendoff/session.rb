# frozen_string_literal: true

module Sendoff
  # A producer's life in this process: its handle, and its threads. One reads reports; another, if blocks were given,
  # calls them; a third asks the token provider, if there is one. The program has the {Producer}, which only points
  # here, so that a forgotten one can be collected.
  #
  # There is no Mutex to wait for, so that all of it works in trap handlers: what has to be one step is in C.
  # @api private
  class Session < Native::Producer
    # How long the drain sleeps at most: a close by another thread, and log lines, do not wake it.
    IDLE_SECONDS = 1

    # How long a program is held back at its end.
    attr_reader :shutdown_seconds

    # @param values [Hash] settings, which overrule those of the file
    # @param token_provider [#call, nil]
    def self.open(values, logger, file, token_provider)
      Settings.open(logger ? values : { Settings::EVENT_CAPACITY => 0 }.merge(values), file) do |settings|
        limits = { max_block_ms: settings["max.block.ms"].to_f, shutdown_ms: settings["shutdown.timeout.ms"].to_f }
        new(settings.start, logger, **limits).tap { |session| session.provide_tokens(token_provider) }
      end
    end

    def initialize(handle, logger, max_block_ms:, shutdown_ms:)
      super(handle, [max_block_ms.to_i, Deadline::FOREVER_MS].min)
      @shutdown_seconds = shutdown_ms / 1000
      @logger = logger
      @event_log = EventLog.new(logger) if logger
      @reports = IO.for_fd(Native.report_descriptor(handle).last, autoclose: false)
      @starting = Thread::Mutex.new
      @ended = @aborted = false
      @deadline = Deadline.new(nil)
      keep_alive
      Exit.remember(self)
    end

    # Starts to ask the program's provider for tokens, or refuses it.
    def provide_tokens(provider)
      @tokens = Tokens.for(self, provider, @logger)
      keep_alive
    rescue Exception
      close(Deadline.new(0))
      raise
    end

    # From the files that the settings name, or from other settings. Connections that are open go on as they are.
    def reload_credentials(values, file)
      status, message = if values.empty? && file.nil?
                          load_credentials(0)
                        else
                          Settings.open(values, file) { |settings| load_credentials(settings.handle) }
                        end
      raise Error.of(status, message) unless status == Native::OK
    end

    # Whether all reports are read and all blocks have run after a close.
    def over?
      @ended && unfinished.zero?
    end

    # Sleeps until the block gives true; false when the time is up.
    def wait_until(deadline)
      loop do
        seen = events
        return true if yield
        raise Error.of(Native::FORKED) unless ours?

        left = deadline.left_ms
        return false if left.zero?

        keep_alive
        sleep(seen, left)
      end
    end

    def flush(deadline)
      refuse_in_callback
      raise Error.of(Native::FORKED) unless ours?
      raise Error.of(Native::CLOSED) if @ended

      epoch = end_epoch
      Native.flush(handle, 0)
      wait_until(deadline) { finished?(epoch) }
    end

    # Refuses further records, and lets those that were accepted go without lingering.
    def begin_to_close
      refuse
      Native.flush(handle, 0)
    end

    # Waits until all is sent and all blocks have run, or gives up at the deadline. Within a block it does not wait: the
    # drain goes on, and gives up at the deadline. In a child of the process that made it, it does nothing.
    #
    # @return [Integer] how many records were given up
    def close(deadline)
      return 0 unless ours?

      begin_to_close
      @deadline = deadline
      abort_when_settled
      return 0 if in_callback? || wait_until(deadline) { abort_when_settled || over? }

      give_up
    end

    # For the garbage collector: the program has lost the producer. Does not wait.
    def abandon(_object_id = nil)
      return if refuses? || !ours?

      begin_to_close
      warn "sendoff: a producer was collected without close; what it accepted is still being sent"
    end

    # Starts the thread that calls blocks, unless it runs.
    def serve_callbacks
      keep_alive(callbacks: true) unless callback_thread&.alive?
    end

    # In a block, what would wait for a block waits for itself.
    def refuse_in_callback
      raise Error.of(Native::IN_CALLBACK) if in_callback?
    end

    # The last counters, also after the end.
    def counters
      @counters || read_counters
    rescue ClosedError
      @counters || raise # the drain was quicker
    end

    private

    # Starts the threads that should run and do not, because the program has killed them or they were not needed yet.
    def keep_alive(callbacks: callbacks?)
      return unless @starting.try_lock

      begin
        @drain = start("sendoff drain") { drain } unless @ended || @drain&.alive?
        @asking = start("sendoff tokens") { @tokens.serve } if @tokens && !@tokens.over? && !@asking&.alive?
        if callbacks && !callback_thread&.alive?
          self.callback_thread = start("sendoff callbacks") { call_blocks }
        end
      ensure
        @starting.unlock
      end
    end

    def start(name, &body)
      Thread.new(&body).tap { |thread| thread.name = name }
    end

    def drain
      loop do
        seen = events
        state = read_reports
        break if state == :ended

        serve_callbacks if callbacks?
        @event_log&.write(handle)
        abort_when_settled || abort_when_late
        state == :behind ? sleep(seen, IDLE_SECONDS * 1000) : @reports.wait_readable(IDLE_SECONDS)
      end
      finish if ours?
    end

    # Closes the library's side once nothing is missing any more. Returns nil.
    def abort_when_settled
      abort_once if refuses? && pending.zero?
    end

    def abort_when_late
      abort_once if refuses? && @deadline.left_ms.zero?
    end

    def abort_once
      return if @aborted

      abort
      @aborted = true # not before: who is killed on the way there has not closed it
      nil
    end

    # Aborted records have their reports at once.
    def give_up
      count = pending
      abort_once
      nil until read_reports != :empty
      count
    end

    # Once more, from the beginning, if the drain was killed in it.
    def finish
      @event_log&.write(handle)
      @counters ||= read_counters
      destroy
      @ended = true
      serve_callbacks if callbacks?
      forget_when_over
      announce
    end

    # Until its last block has run, the end of the program waits for it.
    def forget_when_over
      Exit.forget(self) if over?
    end

    def call_blocks
      loop do
        seen = events
        while (delivery = next_callback)
          call_block(delivery)
          return unless ours? # the block has forked, and the rest is the parent's
        end
        break if @ended && !callbacks?

        sleep(seen, IDLE_SECONDS * 1000)
      end
      forget_when_over
    end

    # Whatever a block raises is its own affair; exit is the program's.
    def call_block(delivery)
      delivery.take_block&.call(delivery)
    rescue SystemExit => error
      Exit.request(error)
    rescue Exception => error
      report_exception(error)
    ensure
      callback_done(delivery)
    end

    def report_exception(error)
      message = "a delivery's block raised: #{error.full_message(highlight: false)}"
      @logger ? @logger.error(message) : warn("sendoff: #{message}")
    end

    def read_counters
      native = Native::Counters.new
      status = Native.get_counters(handle, native)
      raise Error.of(status) unless status == Native::OK

      Producer::COUNTERS.to_h { |name| [name, native.public_send(name)] }.freeze
    end
  end
  private_constant :Session
end
