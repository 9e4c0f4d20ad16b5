# wsnap: build, install and test. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
CONTAINERD ?= containerd

VERSION := 0.1.0
LIBRARIES := libpq libcurl libcjson uuid libprotobuf-c yaml-0.1

# SANITIZE=address,undefined builds into a folder of its own.
comma := ,
BUILD := build$(if $(SANITIZE),/sanitize-$(subst $(comma),-,$(SANITIZE)))

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough \
	-Wconversion -Wno-sign-conversion $(if $(DEV),-Werror)
HARDENING := -fPIE -fstack-protector-strong -fstack-clash-protection \
	$(if $(SANITIZE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
SANITIZING := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
OUR_CFLAGS := -std=gnu17 -D_GNU_SOURCE -DWSNAP_VERSION='"$(VERSION)"' -Isrc -I$(BUILD)/generated \
	$(HARDENING) $(SANITIZING)
OUR_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANITIZING)
PKG_CFLAGS = $(shell pkg-config --cflags $(LIBRARIES))
PKG_LIBS = $(shell pkg-config --libs $(LIBRARIES)) -pthread

SOURCES := $(sort $(wildcard src/*.c src/*/*.c))
PROTOS := $(sort $(wildcard src/ctr/*.proto))
SQL := $(sort $(wildcard sql/*.sql))
GENERATED := $(PROTOS:src/ctr/%.proto=$(BUILD)/generated/ctr/%.pb-c.c) $(BUILD)/generated/schema_steps.c
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/objects/%.o) \
	$(GENERATED:$(BUILD)/generated/%.c=$(BUILD)/objects/generated/%.o)
# All but main: what the unit tests are linked with.
LIBRARY := $(BUILD)/libwsnap.a

.PHONY: all
all: $(BUILD)/wsnap

$(BUILD)/wsnap: $(BUILD)/objects/main.o $(LIBRARY)
	$(CC) $(CFLAGS) $(LDFLAGS) $(OUR_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(LIBRARY): $(filter-out $(BUILD)/objects/main.o,$(OBJECTS))
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/objects/%.o: src/%.c | $(GENERATED)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(WARNINGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/objects/generated/%.o: $(BUILD)/generated/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/generated/ctr/%.pb-c.c: src/ctr/%.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=src/ctr --c_out=$(@D) $<

# The schema steps as strings: sql/001-….sql becomes the first element of schema_steps[].
$(BUILD)/generated/schema_steps.c: $(SQL) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "store/schema_steps.h"'; \
	   echo 'const char *const schema_steps[] = {'; \
	   for file in $(SQL); do sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $$file; echo ','; done; \
	   echo '};'; echo 'const int schema_step_count = $(words $(SQL));'; } > $@

-include $(OBJECTS:.o=.d)

# --- tests ---------------------------------------------------------------------------------------

# Every tests/unit/*.c is a program of its own; what several of them share is in tests/unit/support/*.c.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(sort $(wildcard tests/unit/*.c)))
UNIT_SUPPORT := $(patsubst tests/unit/%.c,$(BUILD)/objects/tests/unit/%.o,$(sort $(wildcard tests/unit/support/*.c)))

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS)

$(BUILD)/objects/tests/unit/%.o: tests/unit/%.c | $(GENERATED)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) -Itests/unit $(WARNINGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/%: $(BUILD)/objects/tests/unit/%.o $(UNIT_SUPPORT) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $(OUR_LDFLAGS) -o $@ $^ -lcmocka $(PKG_LIBS)

.PRECIOUS: $(BUILD)/objects/tests/unit/%.o
-include $(wildcard $(BUILD)/objects/tests/unit/*.d)

.PHONY: clean
clean:
	rm -rf build
