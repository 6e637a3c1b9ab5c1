# frozen_string_literal: true

# Compiles the extension against an installed libsendoff, or else with the library's sources, which the gem carries.
#
#   gem install sendoff -- --with-sendoff-dir=PREFIX   # that one, or fail
#   gem install sendoff -- --enable-bundled            # the sources of the gem, whatever is installed
require "mkmf"

# Needs what {Bundled} does not: a header and a library of the same interface.
module Installed
  EXPLICIT = %w[--with-sendoff-dir --with-sendoff-include --with-sendoff-lib].freeze

  # The youngest function that the extension calls: an older library does not have it.
  NEWEST = "sendoff_wait_token_wanted"

  module_function

  def use
    explicit = ARGV.any? { |argument| argument.start_with?(*EXPLICIT) }
    dir_config("sendoff")
    pkg_config("sendoff") unless explicit
    found = have_header("sendoff/sendoff.h") && have_library("sendoff", NEWEST, "sendoff/sendoff.h")
    abort <<~TEXT if explicit && !found
      libsendoff is not where --with-sendoff-dir says, or too old: there have to be include/sendoff/sendoff.h and
      lib/libsendoff.so, both with #{NEWEST}.
      Without that option the sources that the gem carries are compiled.
    TEXT
    found
  end

  # So that a library outside of the system's folders is found when the program runs; for a packaged extension, the one
  # that lies beside it.
  def remember_where
    return $LDFLAGS += " -Wl,-rpath,'$$ORIGIN'" if enable_config("beside-library", false)

    folders = $LIBPATH + $LDFLAGS.scan(/-L(\S+)/).flatten
    folders.uniq.select { |path| File.exist?(File.join(path, "libsendoff.so.1")) }
            .each { |path| $LDFLAGS += " -Wl,-rpath,#{path}" }
  end
end

# The library's own sources below vendor/, compiled into the extension.
module Bundled
  ROOT = File.join(__dir__, "vendor")
  # Codec: its header, library, a function in it, Debian's package.
  CODECS = {
    "ZSTD" => ["zstd.h", "zstd", "ZSTD_compressCCtx", "libzstd-dev"],
    "LZ4" => ["lz4frame.h", "lz4", "LZ4F_compressFrame", "liblz4-dev"],
    "GZIP" => ["libdeflate.h", "deflate", "libdeflate_alloc_compressor", "libdeflate-dev"],
    "SNAPPY" => ["snappy-c.h", "snappy", "snappy_compress", "libsnappy-dev"]
  }.freeze

  module_function

  def use
    abort <<~TEXT unless File.directory?(ROOT)
      libsendoff was not found, and its sources are not here. Install libsendoff, so that pkg-config finds it, or say
      where it is: --with-sendoff-dir=PREFIX
    TEXT
    CODECS.each { |codec, needs| use_codec(codec, *needs) }
    use_tls
    have_library("pthread")
    $defs << "-DSENDOFF_VERSION_TEXT=\\\"#{File.read(File.join(ROOT, "VERSION")).strip}\\\""
    $INCFLAGS += " -I$(srcdir)/vendor/abi -I$(srcdir)/vendor/src"
    $objs = Dir.glob("*.c", base: __dir__).sort.map { |name| object_of(name) } + sources.map { |path| object_of(path) }
  end

  def use_codec(codec, header, library, function, package)
    if have_header(header) && have_library(library, function, header)
      $defs << "-DSENDOFF_WITH_#{codec}=1"
    else
      name = codec.downcase
      message "without #{name}: compression.type=#{name} will be refused (for Debian: #{package})\n"
    end
  end

  def use_tls
    @tls = have_header("openssl/ssl.h") && have_library("crypto", "EVP_MAC_fetch", "openssl/evp.h") &&
           have_library("ssl", "SSL_CTX_new", "openssl/ssl.h")
    if @tls
      $defs << "-DSENDOFF_WITH_TLS=1"
      have_library("dl") # Kerberos and HTTP are loaded when they are needed
    else
      message "without TLS: security.protocol other than PLAINTEXT will be refused (for Debian: libssl-dev)\n"
    end
  end

  # What is in unavailable/ takes the place of all that is beside it.
  def sources
    security = @tls ? "src/security" : "src/security/unavailable"
    Dir.glob("{abi,src}/**/*.c", base: ROOT).sort.select do |path|
      !path.start_with?("src/security/") || File.dirname(path) == security
    end
  end

  # Names repeat from one folder to the next: objects are named by the whole path.
  def object_of(path)
    "#{path.delete_suffix(".c").tr("/", "_")}.o"
  end

  def rules
    sources.map do |path|
      "#{object_of(path)}: $(srcdir)/vendor/#{path}\n\t$(ECHO) compiling #{path}\n" \
        "\t$(Q) $(CC) $(INCFLAGS) $(CPPFLAGS) $(CFLAGS) $(COUTFLAG)$@ -c $(CSRCFLAG)$<\n\n"
    end
  end
end

$CFLAGS += " -std=gnu11 -fvisibility=hidden"
$defs << "-D_GNU_SOURCE"
$DLDFLAGS += " -Wl,--version-script=#{File.join(__dir__, "native.map")} -Wl,-z,nodelete"
bundled = enable_config("bundled", false) || !Installed.use
bundled ? Bundled.use : Installed.remember_where
message "libsendoff: #{bundled ? "the sources of this gem" : "the installed one"}\n"
create_makefile("sendoff/native") { |makefile| bundled ? makefile + Bundled.rules : makefile }
