# The front door. A target is one script, or a line or two.
.DEFAULT_GOAL := help
.PHONY: help demo test test-long bench bindings packages abi-check abi-baseline install format clean
.NOTPARALLEL:

PREFIX ?= /usr/local
export FILE BROKERS TOPIC

help:
	@echo 'make demo        set up, build, send a text file through a broker, read it back, compare'
	@echo '                 FILE=path: another file; BROKERS=host:port,...: a real cluster; TOPIC=name'
	@echo 'make test        all tests: plain, sanitizers, languages, old programs, other processors (half an hour at most)'
	@echo 'make test-long   the tests that take longer'
	@echo 'make bench       Sendoff beside its peers'
	@echo 'make bindings    the Go module, the jars and the gems, in build/bindings'
	@echo 'make packages    the Debian packages and the relocatable tarball, in build/packages'
	@echo 'make abi-check   the library and header against every recorded release'
	@echo 'make abi-baseline record the ABI of a release in abi/baseline'
	@echo 'make install     library, header, command and sendoff.pc to PREFIX=$(PREFIX); DESTDIR=path'
	@echo 'make format      clang-format on every C source'
	@echo 'make clean       remove build/'

demo:
	@scripts/demo

test:
	@scripts/test

test-long:
	@scripts/test-long

bench:
	@scripts/bench

bindings:
	@scripts/bindings

packages:
	@scripts/packages

# Both look at the library of the build for development, since they need its debug information.
abi-check abi-baseline:
	@scripts/set-up test
	cmake --preset dev
	cmake --build --preset dev --target sendoff
	@scripts/$@

install:
	@scripts/set-up demo
	cmake --preset release -DCMAKE_INSTALL_PREFIX='$(PREFIX)'
	cmake --build --preset release
	cmake --install build

format:
	@scripts/format

clean:
	rm -rf build
