# frozen_string_literal: true

require "base64"
require "json"
require "pp"
require_relative "helper"

# TLS and logins, at listeners of Apache Kafka that insist on them.
class CredentialsTest < Minitest::Test
  include Helper

  # Who logs in: the brokers of the tests know no other.
  USER = "alice"
  PLANTED = "planted-secret"
  NOT_LET_IN = "did not let the producer in"
  # What a provider may do instead of giving a token, and what the log says then.
  FAILURES = {
    "it raises" => [-> { raise IOError, "the vault is locked" }, "the vault is locked"],
    "it raises in another encoding" => [-> { raise "kein Schl\u00fcssel".encode("UTF-16LE") }, "kein Schl\u00fcssel"],
    "it gives nothing" => [-> {}, "gave a NilClass"],
    "it gives an old one" => [-> { CredentialsTest.token(life: -3600) }, "expired"],
    "it gives an empty one" => [-> { Sendoff::Token.new(value: "", expires: Time.now + 3600) }, "token"],
    "it gives a zero byte" => [-> { Sendoff::Token.new(value: "#{PLANTED}\0", expires: Time.now + 3600) }, "null byte"],
    "it gives an extension of two" => [
      -> { CredentialsTest.token(extensions: { one: "x\u0001auth=Bearer #{PLANTED}" }) }, 'extension "one"'
    ]
  }.freeze

  # A token that nobody has signed, as Kafka's own validator for tests takes it.
  def self.token(life: 3600, extensions: {})
    now = Time.now
    claims = { sub: USER, iat: now.to_i, exp: (now + life).to_i + 1 }
    parts = [{ alg: "none" }, claims].map { |part| Base64.urlsafe_encode64(JSON.generate(part), padding: false) }
    Sendoff::Token.new(value: "#{parts.join(".")}.", expires: now + life, principal: USER, extensions: extensions)
  end

  def bootstrap
    BROKERS["kafka"]
  end

  def test_certificates_of_both_sides
    open_at("mtls") { |producer| send_ten(producer) }
  end

  def test_a_password_over_tls
    open_at("scram") { |producer| send_ten(producer) }
  end

  def test_tokens_of_a_provider
    asked = 0
    provider = lambda do
      asked += 1
      self.class.token
    end
    session = open_at("tokens", token_provider: provider) do |producer|
      send_ten(producer)
      producer.instance_variable_get(:@session)
    end
    session.send(:keep_alive) # as a wait does that is under way when the producer is closed
    threads_of_tokens.each { |thread| assert_same(thread, thread.join(PATIENCE)) }
    assert_equal(1, asked)
  end

  def test_the_next_token_is_asked_for_in_time
    asked = 0
    provider = lambda do
      asked += 1
      self.class.token(life: 2)
    end
    open_at("tokens", token_provider: provider, sasl_login_refresh_min_period_seconds: 0,
                      sasl_login_refresh_buffer_seconds: 0) do |producer|
      producer.connect(timeout: PATIENCE)
      wait_until("two more tokens") { asked >= 3 }
      send_ten(producer)
    end
  end

  def test_providers_that_fail_are_asked_again
    FAILURES.map { |name, (failure, reason)| Thread.new { fail_twice(name, failure, reason) } }.each(&:join)
  end

  def test_a_refused_token_is_told_and_another_one_asked_for
    tokens = [Sendoff::Token.new(value: "#{PLANTED}.not.one", expires: Time.now + 3600)]
    logged do |log, settings|
      open_at("tokens", token_provider: -> { tokens.shift || self.class.token }, **settings) do |producer|
        send_ten(producer)
      end
      assert_includes(log.string, NOT_LET_IN)
      refute_includes(log.string, PLANTED)
    end
  end

  def test_a_provider_may_end_the_program
    output, errors, status = run_program(<<~RUBY, folder_file("tokens"))
      Sendoff::Producer.new(file: ARGV[0], token_provider: -> { exit 7 }).connect
    RUBY
    assert_equal([7, ""], [status.exitstatus, output], errors)
  end

  def test_close_does_not_wait_for_a_provider
    begun = Thread::Queue.new
    provider = lambda do
      begun << true
      sleep
    end
    producer = Sendoff::Producer.new(file: folder_file("tokens"), token_provider: provider)
    begun.pop
    assert_nil(producer.close)
    threads_of_tokens.each(&:kill).each(&:join) # it is the provider's to end
  end

  def test_a_closed_producer_leaves_no_thread
    3.times { open_at("tokens", token_provider: -> { self.class.token }, &:connect) }
    wait_until("no thread is left") { threads_of_tokens.empty? }
  end

  def test_the_thread_may_be_killed_and_interrupted
    open_at("tokens", token_provider: -> { self.class.token }) do |producer|
      threads_of_tokens.each(&:kill).each { |thread| assert_same(thread, thread.join(PATIENCE)) }
      send_ten(producer) # another one is started
      threads_of_tokens.each { |thread| thread.report_on_exception = false }
                       .each { |thread| thread.raise(KeyError) }
                       .each { |thread| assert_raises(KeyError) { thread.join(PATIENCE) } }
      producer.flush
    end
  end

  def test_a_provider_and_what_asks_for_it_belong_together
    %w[mtls scram].each do |listener|
      error = assert_raises(Sendoff::ConfigurationError) { open_at(listener, token_provider: -> {}) }
      assert_equal("NOT_CONFIGURED", error.name)
    end
    assert_raises(Sendoff::ConfigurationError) { open_producer(token_provider: -> {}) }
    error = assert_raises(Sendoff::ConfigurationError) { open_at("tokens") }
    assert_includes(error.message, "token_provider")
    wait_until("nothing of them is left") { Thread.list.none? { |thread| thread.name&.start_with?("sendoff") } }
  end

  def test_credentials_are_loaded_anew
    logged do |log, settings|
      open_at("scram", sasl_jaas_config: "", sasl_username: USER, sasl_password: PLANTED, **settings) do |producer|
        delivery = producer.produce(topic: new_topic, value: "x")
        wait_until("the failed login is told") { log.string.include?(NOT_LET_IN) }
        assert_same(producer, producer.reload_credentials)
        %w[mtls tokens].each do |other|
          error = assert_raises(Sendoff::ConfigurationError) { producer.reload_credentials(file: folder_file(other)) }
          assert_equal("NOT_CONFIGURED", error.name)
        end
        error = assert_raises(Sendoff::Error) do
          producer.reload_credentials(file: folder_file("scram"), ssl_truststore_location: "/no/such/file")
        end
        assert_includes(error.message, "/no/such/file")
        producer.reload_credentials(right)
        assert_predicate(delivery.wait(timeout: PATIENCE), :delivered?)
      end
      refute_includes(log.string, PLANTED)
    end
  end

  def test_who_has_no_use_for_credentials_says_so
    open_producer do |producer|
      assert_raises(Sendoff::ConfigurationError) { producer.reload_credentials }
      producer.close
      assert_raises(Sendoff::ClosedError) { producer.reload_credentials }
    end
  end

  def test_secrets_are_not_shown
    holder = Struct.new(:secret) { def call = nil }.new(PLANTED)
    token = Sendoff::Token.new(value: PLANTED, expires: Time.at(1_800_000_000), principal: USER, extensions: { a: "b" })
    shown = [token.inspect, token.to_s, "#{token}", [token].inspect, token.pretty_inspect]
    open_at("tokens", token_provider: holder) do |producer|
      shown += [producer.inspect, producer.to_s, producer.pretty_inspect]
      session = producer.instance_variable_get(:@session)
      shown << session.inspect << session.pretty_inspect << session.instance_variable_get(:@tokens).inspect
    end
    refute_includes(shown.join, PLANTED)
    assert_includes(token.inspect, "alice")
    errors = [{ "sasl.password" => "#{PLANTED}\0" }, { "sasl.password" => { PLANTED => 1 } }].map do |values|
      assert_raises(ArgumentError, Sendoff::ConfigurationError) { open_producer(**values) }
    end
    refute_includes(errors.map(&:full_message).join, PLANTED)
  end

  def test_parts_of_a_token_of_other_types
    assert_raises(TypeError) { Sendoff::Token.new(value: "x", expires: 1_800_000_000) }
    assert_raises(TypeError) { Sendoff::Token.new(value: nil, expires: Time.now) }
    assert_raises(TypeError) { Sendoff::Token.new(value: "x", expires: Time.now, extensions: { a: 1 }) }
  end

  private

  def folder_file(listener)
    "#{ENV.fetch("SENDOFF_TEST_SECURE")}/#{listener}.properties"
  end

  def open_at(listener, **settings, &block)
    Sendoff::Producer.open(file: folder_file(listener), **settings, &block)
  end

  # What the listener's file says, with the right password.
  def right
    File.readlines(folder_file("scram"), chomp: true).to_h { |line| line.split("=", 2) }
  end

  def send_ten(producer)
    topic = new_topic
    10.times { |number| producer.produce(topic: topic, value: number.to_s).wait(timeout: PATIENCE) }
    assert_equal(10, values_in(topic).size)
  end

  # Sends with a provider that succeeds the third time.
  def fail_twice(name, failure, reason)
    asked = 0
    provider = -> { (asked += 1) <= 2 ? failure.call : self.class.token }
    logged(level: 7) do |log, settings|
      open_at("tokens", token_provider: provider, **settings) { |producer| send_ten(producer) }
      assert_includes(log.string, reason, name)
      refute_includes(log.string, PLANTED, name)
    end
    assert_equal(3, asked, name)
  end

  # Yields what a logger writes, and the settings for it.
  def logged(level: 4)
    log = StringIO.new
    yield log, { logger: Logger.new(log), log_level: level }
  end

  def threads_of_tokens
    Thread.list.select { |thread| thread.name == "sendoff tokens" }
  end
end
