# frozen_string_literal: true

require_relative "helper"

# What is committed is what SWIG makes.
class GeneratedTest < Minitest::Test
  RUBY_FOLDER = File.expand_path("..", __dir__)
  COMMITTED = File.join(RUBY_FOLDER, "ext/sendoff/native_wrap.c")

  def test_the_wrapper_is_as_swig_makes_it_anew
    Tempfile.create("native_wrap") do |file|
      output, status = Open3.capture2e(File.join(RUBY_FOLDER, "generate"), file.path)
      assert(status.success?, output)
      assert(File.binread(COMMITTED) == File.binread(file.path),
             "native_wrap.c is not what bindings/ruby/generate makes of bindings/swig and sendoff.h: run it")
    end
  end

  def test_it_says_that_it_is_generated
    assert_match(/Code generated .* DO NOT EDIT/, File.open(COMMITTED, &:readline))
  end
end
