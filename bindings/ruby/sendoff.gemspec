# frozen_string_literal: true

require_relative "lib/sendoff/version"

# The source gem, in the folder that bindings/ruby/package makes: what is here, and vendor/ with the library's sources. The
# same with the extension and the library compiled is the gem of a platform, which asks for nothing but Ruby.
Gem::Specification.new do |spec|
  spec.name = "sendoff"
  spec.version = Sendoff::VERSION
  spec.summary = "A producer for Apache Kafka: what it accepted is sent"
  spec.description = "Sends records to Apache Kafka by a native library. A record that was accepted is sent, also when " \
                     "nobody closes the producer; each has a delivery that says what became of it."
  spec.authors = ["The Sendoff authors"]
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.1"
  spec.require_paths = ["lib"]
  documents = %w[README.md LICENSE THIRD-PARTY-LICENSES .yardopts]

  library = Dir.glob("lib/**/{native.so,libsendoff.so.1}", base: __dir__)
  if library.empty?
    spec.files = Dir.glob("{lib,ext,samples}/**/*", base: __dir__).select { |path| File.file?(File.join(__dir__, path)) }
    spec.extensions = ["ext/sendoff/extconf.rb"]
  else
    spec.files = Dir.glob("{lib,samples}/**/*.rb", base: __dir__) + library
    spec.platform = Gem::Platform.local
    spec.required_ruby_version = "~> #{RUBY_VERSION[/\d+\.\d+/]}.0" # whose interface it is compiled for
  end
  spec.files += documents
end
