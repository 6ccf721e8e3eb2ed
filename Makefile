# dlnet: `make help` lists the targets.
CC      ?= cc
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
SANITIZE ?=
TIMEOUT ?= 900

CFLAGS  ?= -O3 -g
WARN     = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unknown-pragmas
BASE     = -std=gnu11 -fopenmp -fno-math-errno -fno-trapping-math -fstack-protector-strong -D_GNU_SOURCE
CPPFLAGS += -Isrc -MMD -MP $(PACKAGE_CFLAGS) -I/usr/include/stb
LDLIBS   = $(PACKAGE_LIBS) -lm -lpthread

ifneq ($(SANITIZE),)
BASE += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer
endif
ifneq ($(findstring undefined,$(SANITIZE)),)
BASE += -fno-sanitize-recover=undefined
endif
ALL_CFLAGS = $(BASE) $(WARN) $(CFLAGS)

SOURCES  = $(sort $(wildcard src/*/*.c))
OBJECTS  = $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY  = $(filter-out $(BUILD)/src/cli/main.o,$(OBJECTS))
# The rooms that gradient checks need, compiled with real = double.
DOUBLE   = $(patsubst %.c,$(BUILD)/double/%.o,$(sort $(wildcard src/base/*.c src/math/*.c src/box/*.c src/config/*.c src/net/*.c src/layer/*.c)))
TESTS    = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/test_*.c)))
GRADS    = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/grad_*.c)))
BENCHES  = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/bench_*.c)))
SHELL_TESTS = $(filter-out tests/cli/lib.sh,$(sort $(wildcard tests/*/*.sh)))
SHARED_TEST = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*.c))
SHARED_GRAD = $(patsubst %.c,$(BUILD)/double/%.o,$(wildcard tests/*.c))
FORMATTED = $(sort $(wildcard src/*/*.[ch] tests/*.[ch] tests/*/*.[ch] scripts/peers/*.c))
SCRIPTS  = $(sort scripts/install-deps scripts/get-data scripts/run-tests .ci/run $(wildcard scripts/*.sh tests/*/*.sh))
# Two jobs where the caller asked for no number.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j2)

.PHONY: all deps demo test tests-build lint format asan tsan bench bench-peers accuracy install uninstall clean help
.SECONDARY:
.DELETE_ON_ERROR:

all: $(BUILD)/dlnet
	@ln -sf $(BUILD)/dlnet dlnet

# Looked up once a build folder; installs what is missing first, so that a clean machine needs no more than `make`.
$(BUILD)/packages.mk: scripts/install-deps
	@scripts/install-deps
	@mkdir -p $(@D)
	@jpeg=''; ! pkg-config --exists libjpeg || jpeg=libjpeg; \
	printf 'PACKAGE_CFLAGS = %s%s\nPACKAGE_LIBS = %s\n' "$${jpeg:+-DDLNET_TURBO }" "$$(pkg-config --cflags libcjson cairo zlib expat yajl openblas $$jpeg)" \
	    "$$(pkg-config --libs libcjson cairo zlib expat yajl openblas $$jpeg)" > $@
ifneq ($(filter-out deps lint format uninstall clean help asan tsan demo bench-peers accuracy,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/packages.mk
endif

$(BUILD)/dlnet: $(OBJECTS)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libdlnet.a: $(LIBRARY)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/libdlnet-double.a: $(DOUBLE)
	@rm -f $@
	@ar rcs $@ $^

# Colours are numbers; then a comparison that chooses is one instruction.
$(BUILD)/src/data/colour.o: BASE += -ffinite-math-only -fno-signed-zeros

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/double/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DDLNET_DOUBLE $(ALL_CFLAGS) -c -o $@ $<

$(GRADS): $(BUILD)/tests/%: tests/%.c $(SHARED_GRAD) $(BUILD)/libdlnet-double.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests -DDLNET_DOUBLE $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(SHARED_GRAD) $(BUILD)/libdlnet-double.a -lcmocka $(LDLIBS)

$(TESTS): $(BUILD)/tests/%: tests/%.c $(SHARED_TEST) $(BUILD)/libdlnet.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(SHARED_TEST) $(BUILD)/libdlnet.a -lcmocka $(LDLIBS)

$(BUILD)/tests/%.o: CPPFLAGS += -Itests
$(BUILD)/double/tests/%.o: CPPFLAGS += -Itests

$(BENCHES): $(BUILD)/tests/%: tests/%.c $(BUILD)/libdlnet.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libdlnet.a $(LDLIBS)

deps:
	@scripts/install-deps --test

tests-build: $(BUILD)/dlnet $(TESTS) $(GRADS)

# Every test program and every shell test, the rest too when one fails; the last line counts them all.
test:
	@scripts/install-deps --test
	@$(MAKE) $(PARALLEL) tests-build
	@DLNET=$(BUILD)/dlnet LIMIT=$(TIMEOUT) scripts/run-tests $(TESTS) $(GRADS) $(SHELL_TESTS)

# The same under AddressSanitizer and UBSan: slower, but no wrong access and no undefined operation goes unseen. The search for uses of a stack frame
# after its return is off: its frames aren't aligned for 64-byte vectors.
asan:
	@ASAN_OPTIONS=detect_stack_use_after_return=0:strict_string_checks=1 LSAN_OPTIONS=suppressions=$(CURDIR)/scripts/leaks.supp:print_suppressions=0 \
	    UBSAN_OPTIONS=print_stacktrace=1 OMP_NUM_THREADS=2 \
	    $(MAKE) BUILD=build-asan SANITIZE=address,undefined CFLAGS="-O1 -g" TIMEOUT=3600 test

# The program's own threads (loader) under ThreadSanitizer. OpenMP has its one thread, where a test asks for no more.
tsan:
	@scripts/install-deps --test
	@$(MAKE) $(PARALLEL) BUILD=build-tsan SANITIZE=thread CFLAGS="-O1 -g" tests-build
	@$(MAKE) BUILD=build-tsan tsan-run
.PHONY: tsan-run
tsan-run:
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TSAN_OPTIONS=halt_on_error=1:suppressions=scripts/races.supp setarch -R scripts/run-tests $(TESTS)

lint:
	@scripts/install-deps --test --lint
	@scripts/lint.sh $(FORMATTED) -- $(SCRIPTS)

format:
	@scripts/install-deps --lint
	clang-format -i $(FORMATTED)

# Trains the YOLO of cfg/yolo.cfg on the built-in pictures and finds the objects of one it hasn't seen.
demo:
	@$(MAKE) $(PARALLEL) all
	@DLNET=$(BUILD)/dlnet scripts/demo.sh

# Times each layer of real networks, then their convolutions alone: one image, and a step of training.
bench: $(BUILD)/dlnet $(BENCHES)
	$(BUILD)/dlnet bench cfg/yolov3-tiny.cfg
	$(BUILD)/dlnet bench cfg/yolov3-tiny.cfg --train --set net.batch=8 --set net.subdivisions=1
	$(BUILD)/dlnet bench cfg/mnist.cfg --train
	@for program in $(BENCHES); do $$program 1 && $$program 8; done

# The same networks in PyTorch, OpenCV and ONNX Runtime, as far as they are there: writes docs/performance.md. ONLY="infer train": parts of it.
bench-peers:
	@$(MAKE) $(PARALLEL) all $(BUILD)/scripts/peers/outputs
	@DLNET=$(BUILD)/dlnet OUTPUTS=$(BUILD)/scripts/peers/outputs scripts/bench-peers.sh

$(BUILD)/scripts/peers/outputs: scripts/peers/outputs.c $(BUILD)/libdlnet.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libdlnet.a $(LDLIBS)

# Trains the networks whose figures docs/accuracy.md tells, and writes that file.
accuracy:
	@$(MAKE) $(PARALLEL) all
	@DLNET=$(BUILD)/dlnet scripts/accuracy.sh

install: $(BUILD)/dlnet
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/dlnet/cfg/course $(DESTDIR)$(PREFIX)/share/dlnet/data/course
	install -m 755 $(BUILD)/dlnet $(DESTDIR)$(PREFIX)/bin/dlnet
	install -m 644 cfg/*.cfg $(DESTDIR)$(PREFIX)/share/dlnet/cfg
	install -m 644 cfg/course/*.cfg $(DESTDIR)$(PREFIX)/share/dlnet/cfg/course
	install -m 644 data/course/* $(DESTDIR)$(PREFIX)/share/dlnet/data/course

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/dlnet
	rm -rf $(DESTDIR)$(PREFIX)/share/dlnet

clean:
	rm -rf build build-asan build-tsan dlnet

help:
	@echo 'make             builds ./dlnet (installs missing packages with apt first)'
	@echo 'make demo        trains cfg/yolo.cfg and marks the objects of an unseen picture'
	@echo 'make test        builds and runs all tests; the last line counts them'
	@echo 'make asan, tsan  the tests under AddressSanitizer and UBSan, under ThreadSanitizer'
	@echo 'make lint        formatting, cppcheck, clang-tidy, shellcheck; make format formats'
	@echo 'make bench       times the layers of real networks; make bench-peers: beside PyTorch, OpenCV, ONNX Runtime'
	@echo 'make accuracy    trains the networks of docs/accuracy.md and writes it'
	@echo 'make deps        installs the packages for building and testing'
	@echo 'make install     to PREFIX (/usr/local), under DESTDIR; uninstall removes it'
	@echo 'make clean       removes what was built'
	@echo 'Variables: BUILD (folder), CC, CFLAGS, SANITIZE (address,undefined or thread).'

-include $(OBJECTS:.o=.d) $(DOUBLE:.o=.d) $(TESTS:=.d) $(GRADS:=.d) $(BENCHES:=.d) $(SHARED_TEST:.o=.d) $(SHARED_GRAD:.o=.d)
