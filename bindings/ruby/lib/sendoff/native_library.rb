# frozen_string_literal: true

require "io/wait"
require "sendoff/native"

module Sendoff
  # What SWIG wraps of the library's header, and the parts in C that every record passes.
  # @api private
  module Native
  end

  # Of the native library, such as "1.1.0".
  # @return [String]
  def self.library_version
    Native.version
  end

  # What the native library was built with, in alphabetical order: the codecs that it has (+"gzip"+, +"lz4"+,
  # +"snappy"+, +"zstd"+), +"tls"+ with TLS and logins, and more in later versions.
  # @return [Array<String>]
  def self.features
    Native.features.split(",")
  end

  unless Native.abi_version == Native::ABI_VERSION
    raise LoadError, "the libsendoff that was found has interface #{Native.abi_version}, " \
                     "this gem was compiled for #{Native::ABI_VERSION}"
  end
end
