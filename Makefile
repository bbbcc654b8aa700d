# The commands the README names; everything they make lies under target/.
#   make build    the library, target/release/libchromesock.{so,a}
#   make demo     httpd serving a real folder to curl and to fetch, with a transcript; fetch over https
#   make test     everything that must hold before a change is done
#   make bench    side by side with libuv, libevent, Asio, tokio and epoll, and the bindings beside their peers;
#                 QUICK=1 for a first impression
#   make install  PREFIX=/usr/local DESTDIR=
#   make fuzz     each fuzz target for FUZZ_SECONDS
#   make header   takes over a changed C API into include/chromesock.h
#   make bindings takes over a changed API into what the bindings are made from, and stages the library in them
# Each first installs the Debian packages it needs and does not find, see .ci/deps.

SHELL = /bin/bash
.SHELLFLAGS = -eu -o pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DEFAULT_GOAL = build
.PHONY: bindings bindings-table bindings-node stage-node test-node test-node-exits bindings-python stage-python test-python test-python-exits build demo test lint test-rust test-c test-cases test-asan test-package bench fuzz header install clean

CARGO ?= cargo
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
FUZZ_SECONDS ?= 60
# Where Debian keeps nginx, and not on everybody's path.
export PATH := $(PATH):/usr/sbin

out := $(abspath $(or $(CARGO_TARGET_DIR),target))
host := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
version := $(shell sed -n 's/^version = "\(.*\)"/\1/p;T;q' Cargo.toml)
# What the SONAME carries: the major version, and the minor while the major is 0.
abi := $(shell echo $(version) | sed -E 's/^(0\.[0-9]+|[1-9][0-9]*).*/\1/')

# Words of .ci/deps: package, or package:command that serves as well when already there.
build_needs = build-essential:g++
demo_needs = $(build_needs) cmake:cmake ninja-build:ninja curl:curl openssl:openssl
bench_needs = $(demo_needs) pkg-config:pkg-config python3:python3 iproute2:ip util-linux:unshare linux-perf:perf valgrind:valgrind \
  libuv1-dev libevent-dev libasio-dev libssl-dev
test_needs = $(demo_needs) pkg-config:pkg-config python3:python3 nginx-light:nginx redis-server:redis-server \
  wrk:wrk apache2-utils:ab strace:strace iproute2:ip socat:socat netcat-openbsd util-linux:unshare \
  dnsmasq-base:dnsmasq avahi-daemon:avahi-daemon minissdpd:minissdpd libcjson-dev libssl-dev \
  gnutls-bin:gnutls-serv dovecot-imapd python3-aiosmtpd

node_test_needs = chromium:chromium mosquitto:mosquitto vsftpd:vsftpd

# What the virtual environment needs; another Python than Debian's brings its own.
python_needs = python3:python3 $(if $(shell python3 -c 'import ensurepip' 2>&1),python3-venv)

# Not `cargo build`: with the rlib of the Rust tests among the crate types it leaves out the link-time
# optimization. The linker then looks for libchromesock.so, a started program for its SONAME.
cargo-library = $(CARGO) rustc --release --lib --crate-type cdylib,staticlib
build:
	.ci/deps $(build_needs)
	$(cargo-library)
	ln -sf libchromesock.so $(out)/release/libchromesock.so.$(abi)

demo: build
	.ci/deps $(demo_needs)
	$(call cmake-build,examples-c,$(out)/examples-c,$(out)/release)
	examples-c/demo.sh $(out)/examples-c

test:
	.ci/deps $(test_needs)
	$(MAKE) -k lint test-rust test-c test-asan test-package test-node test-python test-cases

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items

# Optimized as in the library, but not across crates, which takes twice as long to build.
test-rust:
	$(CARGO) test
	CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 $(CARGO) test --release
	# TLS with the other cryptography.
	$(CARGO) test --lib --no-default-features --features ring securing

# $(call cmake-build,source,build folder,folder of the library,sanitizer)
define cmake-build
cmake -S $(1) -B $(2) -G Ninja -Wno-dev -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCHROMESOCK_INCLUDE_DIR=$(CURDIR)/include -DCHROMESOCK_LIBRARY=$(3)/libchromesock.so -DCHROMESOCK_SANITIZE=$(4)
cmake --build $(2)
endef
# Two at a time: most of a test is waiting.
ctest = ctest -j2 --output-on-failure --no-tests=error --test-dir

test-c: build
	$(call cmake-build,examples-c,$(out)/examples-c,$(out)/release)
	$(call cmake-build,c-tests,$(out)/c-tests,$(out)/release)
	$(ctest) $(out)/examples-c
	$(ctest) $(out)/c-tests

# The behavioural cases had the same traces everywhere: test-c, test-node and test-python wrote them.
test-cases:
	c-tests/cases/compare.sh $(out)/c-tests/cases/c-{pull,dispatch,reactor}.trace \
	  $(out)/cases/{node,python-asyncio,python-uvloop}.trace

# The Rust side is instrumented too: a switch the stable compiler has, but calls unstable. --target keeps
# build scripts and macros out of it. The runtime is the C compiler's: gcc's libasan, linked by the program.
# The first check is that such a build does stop at a Rust-side read beyond a block of the host.
asan := $(out)/asan/$(host)/release
test-asan: export RUSTC_BOOTSTRAP = 1
test-asan: export RUSTFLAGS = -Zsanitizer=address -Cforce-frame-pointers=yes
# Built sooner, and less is optimized away that could be checked.
test-asan: export CARGO_PROFILE_RELEASE_OPT_LEVEL = 1
test-asan: export CARGO_PROFILE_RELEASE_LTO = off
test-asan: export CARGO_PROFILE_RELEASE_CODEGEN_UNITS = 16
test-asan: export CARGO_PROFILE_RELEASE_DEBUG = line-tables-only
test-asan: export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS = true
test-asan: export ASAN_OPTIONS = detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
# A pointer left behind in a vector register would hide a leak.
test-asan: export LSAN_OPTIONS = use_registers=0
test-asan:
	$(cargo-library) --target $(host) --target-dir $(out)/asan
	ln -sf libchromesock.so $(asan)/libchromesock.so.$(abi)
	c-tests/package/asan.sh include $(asan)
	$(call cmake-build,examples-c,$(out)/asan/examples-c,$(asan),address)
	$(call cmake-build,c-tests,$(out)/asan/c-tests,$(asan),address)
	$(ctest) $(out)/asan/examples-c
	$(ctest) $(out)/asan/c-tests

# The Python package, in an environment of its own, with the library that was built.
python := $(out)/python/bin/python
$(out)/python/ready: bindings/python/requirements-test.txt
	.ci/deps $(python_needs)
	python3 -m venv $(out)/python
	$(python) -m pip install -q -r $<
	touch $@

stage-python: build $(out)/python/ready
	$(python) bindings/python/generate.py stage $(out)/release/libchromesock.so
	install -m 644 LICENSE-MIT LICENSE-APACHE bindings/python

bindings: bindings-table bindings-node bindings-python

# The table of the API as data, from which the bindings are made.
bindings-table:
	CHROMESOCK_WRITE_BINDINGS=1 $(CARGO) test -q --lib tests::bindings

# The Node package, with the library that was built; what it needs of npm lies under target/.
node_needs = nodejs:node npm:npm
node_modules := $(out)/node/node_modules
$(node_modules)/ready: bindings/node/package-lock.json
	.ci/deps $(node_needs)
	mkdir -p $(out)/node
	cp bindings/node/package.json bindings/node/package-lock.json bindings/node/.npmrc $(out)/node
	cd $(out)/node && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

stage-node: build $(node_modules)/ready
	ln -sfn $(node_modules) bindings/node/node_modules
	native=bindings/node/native/$$(node -p 'process.platform + "-" + process.arch')
	install -D -m 755 $(out)/release/libchromesock.so $$native/libchromesock.so
	install -m 644 bindings/api.json bindings/node/native/api.json
	install -m 644 LICENSE-MIT LICENSE-APACHE bindings/node

bindings-node: bindings-table stage-node
	node bindings/node/scripts/types.js

test-node: stage-node
	.ci/deps $(test_needs) $(node_test_needs)
	cd bindings/node && node --test --test-concurrency=2 test/*.test.js

# A program that ends with traffic running, again and again.
test-node-exits: stage-node
	cd bindings/node && CHROMESOCK_EXIT_RUNS=5000 node --test --test-name-pattern='traffic running, none' test/life.test.js

bindings-python: stage-python
	$(python) bindings/python/generate.py surface >$(out)/_surface.py
	cp $(out)/_surface.py bindings/python/chromesock/_surface.py

test-python: stage-python
	.ci/deps $(test_needs)
	cd bindings/python && $(python) -m pytest -q

test-python-exits: stage-python
	$(python) bindings/python/tests/exits/run.py 5000

# Installs into a folder of its own and builds against that; the prefix it is told is another one.
test-package: build
	rm -rf $(out)/package
	$(MAKE) install DESTDIR=$(out)/package PREFIX=/opt/chromesock
	c-tests/package/run.sh $(out)/package/opt/chromesock $(version) $(abi)

bench: build stage-python stage-node
	.ci/deps $(bench_needs)
	benches/run.sh $(if $(QUICK),--quick)
	benches/tls/run.sh
	benches/python.sh
	benches/node.sh

fuzz:
	.ci/deps $(build_needs)
	$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-fuzz
	export RUSTC_BOOTSTRAP=1
	for target in $$($(CARGO) fuzz list); do
	  mkdir -p fuzz/corpus/$$target fuzz/seeds/$$target
	  $(CARGO) fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- -max_total_time=$(FUZZ_SECONDS) -timeout=10
	done

# That of its own build, which the test knows: others may run meanwhile.
header:
	.ci/deps $(build_needs)
	CHROMESOCK_WRITE_HEADER=1 $(CARGO) test -q --lib tests::header::the_header_in_the_tree_is_the_generated_one

# Without a Rust toolchain, as under sudo, it installs what was built before.
# Config and .pc name the other folders relative to their own: the tree may be moved.
fill = sed -e 's|@VERSION@|$(version)|' -e 's|@ABI@|$(abi)|' -e "s|@PREFIX@|$$(realpath -ms --relative-to=$(2) $(PREFIX))|" \
  -e "s|@LIBDIR@|$$(realpath -ms --relative-to=$(PREFIX) $(LIBDIR))|" \
  -e "s|@INCLUDEDIR@|$$(realpath -ms --relative-to=$(PREFIX) $(INCLUDEDIR))|" packaging/$(1).in >$(DESTDIR)$(2)/$(1)
install: $(if $(shell command -v $(CARGO)),build)
	install -d $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/chromesock
	install -m 644 include/chromesock.h $(DESTDIR)$(INCLUDEDIR)
	install -m 644 $(out)/release/libchromesock.a $(DESTDIR)$(LIBDIR)
	install -m 755 $(out)/release/libchromesock.so $(DESTDIR)$(LIBDIR)/libchromesock.so.$(version)
	ln -sf libchromesock.so.$(version) $(DESTDIR)$(LIBDIR)/libchromesock.so.$(abi)
	ln -sf libchromesock.so.$(abi) $(DESTDIR)$(LIBDIR)/libchromesock.so
	$(call fill,chromesock.pc,$(LIBDIR)/pkgconfig)
	$(call fill,chromesock-config.cmake,$(LIBDIR)/cmake/chromesock)
	$(call fill,chromesock-config-version.cmake,$(LIBDIR)/cmake/chromesock)

clean:
	rm -rf $(out) fuzz/target bindings/node/node_modules bindings/node/native bindings/{node,python}/LICENSE-*
