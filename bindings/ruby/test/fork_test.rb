# frozen_string_literal: true

require_relative "helper"

Helper.on_brokers("Fork") do
  # As Puma, Unicorn and Sidekiq use it: the parent has used a producer before it forks, each child opens its own.
  def test_a_parent_and_4_children_that_do_not_close
    topic = new_topic
    _, errors, status = run_program(<<~RUBY, bootstrap, topic)
      config = { "bootstrap.servers" => ARGV[0] }
      parent = Sendoff::Producer.new(config)
      100.times { |index| parent.produce(topic: ARGV[1], value: "parent \#{index}").wait }
      parent.produce(topic: ARGV[1], value: "while forking")
      children = Array.new(4) do |child|
        fork do
          producer = Sendoff::Producer.new(config)
          10_000.times { |index| producer.produce(topic: ARGV[1], value: "child \#{child} \#{index}") }
        end
      end
      100.times { |index| parent.produce(topic: ARGV[1], value: "meanwhile \#{index}") }
      children.each { |child| Process.wait2(child).last.success? or abort "a child failed" }
      100.times { |index| parent.produce(topic: ARGV[1], value: "after \#{index}").wait }
    RUBY
    assert(status.success?, errors)
    assert_empty(errors)
    values = values_in(topic)
    expected = ["while forking"] + %w[parent meanwhile after].flat_map { |who| Array.new(100) { |i| "#{who} #{i}" } } +
               Array.new(4) { |child| Array.new(10_000) { |index| "child #{child} #{index}" } }.flatten
    assert_equal(expected.sort, values.sort)
  end

  def test_the_parents_producer_is_refused_in_the_child_and_left_alone
    topic = new_topic
    output, errors, status = run_program(<<~RUBY, bootstrap, topic)
      producer = Sendoff::Producer.new("bootstrap.servers" => ARGV[0], "linger.ms" => 60_000)
      delivery = producer.produce(topic: ARGV[1], value: "parent's") { print "block \#{Process.pid == $parent}\n" }
      $parent = Process.pid
      $stdout.sync = true
      child = fork do
        actions = { produce: -> { producer.produce(topic: ARGV[1], value: "child's") }, flush: -> { producer.flush },
                    wait: -> { delivery.wait }, connect: -> { producer.connect }, counters: -> { producer.counters },
                    partitions_for: -> { producer.partitions_for(ARGV[1]) },
                    block: -> { producer.produce(topic: ARGV[1], value: "child's") { nil } } }
        actions.each do |name, action|
          action.call
          puts "\#{name} went through"
        rescue Sendoff::ForkedError
          puts name
        end
        puts "closed \#{producer.closed?} \#{producer.close.inspect}"
        producer = nil
        GC.start
      end
      Process.wait(child)
      producer.close
      puts delivery.delivered?
    RUBY
    assert(status.success?, errors)
    assert_empty(errors)
    refused = %w[produce flush wait connect counters partitions_for block]
    assert_equal(refused + ["closed true nil", "block true", "true"], output.lines(chomp: true))
    assert_equal(["parent's"], values_in(topic))
  end

  def test_a_child_that_leaves_the_block_it_was_forked_in_runs_no_others
    output, errors, status = run_program(<<~RUBY, bootstrap, new_topic)
      require "timeout"
      $stdout.sync = true
      child = nil
      Sendoff::Producer.open("bootstrap.servers" => ARGV[0]) do |producer|
        5.times { producer.produce(topic: ARGV[1], value: "x") { child ? print(".") : child = fork } }
      end
      Timeout.timeout(#{PATIENCE}) { Process.wait(child) }
    RUBY
    assert(status.success?, errors)
    assert_equal(["....", ""], [output, errors])
  end

  def test_a_fork_in_a_block_and_inside_open
    topic = new_topic
    _, errors, status = run_program(<<~RUBY, bootstrap, topic)
      Sendoff::Producer.open("bootstrap.servers" => ARGV[0]) do |producer|
        producer.produce(topic: ARGV[1], value: "x") do
          child = fork do
            Sendoff::Producer.open("bootstrap.servers" => ARGV[0]) { |own| own.produce(topic: ARGV[1], value: "y") }
          end
          Process.wait(child)
        end
        producer.flush
        child = fork
        exit if child.nil? # leaves open's block in the child
        Process.wait(child)
        producer.produce(topic: ARGV[1], value: "z")
      end
    RUBY
    assert(status.success?, errors)
    assert_empty(errors)
    assert_equal(%w[x y z], values_in(topic).sort)
  end
end
