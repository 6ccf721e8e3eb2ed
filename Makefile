# dlnet: `make help` lists the targets.
CC      ?= cc
PREFIX  ?= /usr/local
BUILD   ?= build
DEBUG   ?=
SANITIZE ?=

PACKAGES = libcjson cairo zlib expat openblas
CFLAGS  ?= -O3 -g
WARN     = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unknown-pragmas
BASE     = -std=gnu11 -fopenmp -fno-math-errno -fno-trapping-math -fstack-protector-strong -D_GNU_SOURCE
CPPFLAGS += -Isrc -MMD -MP $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null) -I/usr/include/stb
LDLIBS   = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm -lpthread

ifneq ($(SANITIZE),)
BASE += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
endif
ALL_CFLAGS = $(BASE) $(WARN) $(CFLAGS)

SOURCES  = $(sort $(wildcard src/*/*.c))
OBJECTS  = $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY  = $(filter-out $(BUILD)/src/cli/main.o,$(OBJECTS))
# The rooms that gradient checks need, compiled with real = double.
DOUBLE   = $(patsubst %.c,$(BUILD)/double/%.o,$(sort $(wildcard src/base/*.c src/math/*.c src/box/*.c src/config/*.c src/net/*.c src/layer/*.c)))
TESTS    = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/test_*.c)))
GRADS    = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/grad_*.c)))
SHARED_TEST = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*.c))
SHARED_GRAD = $(patsubst %.c,$(BUILD)/double/%.o,$(wildcard tests/*.c))

.PHONY: all deps demo test tests-build lint format asan bench accuracy install uninstall clean help
.SECONDARY:

all: $(BUILD)/dlnet
	@ln -sf $(BUILD)/dlnet dlnet

$(BUILD)/dlnet: $(OBJECTS)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libdlnet.a: $(LIBRARY)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/libdlnet-double.a: $(DOUBLE)
	@rm -f $@
	@ar rcs $@ $^

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

tests-build: $(BUILD)/dlnet $(TESTS) $(GRADS)

clean:
	rm -rf build dlnet

-include $(OBJECTS:.o=.d) $(DOUBLE:.o=.d) $(TESTS:=.d) $(GRADS:=.d) $(SHARED_TEST:.o=.d) $(SHARED_GRAD:.o=.d)
