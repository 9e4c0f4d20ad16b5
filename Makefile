# wsnap: build, install and test. `make help` lists the targets.

.DEFAULT_GOAL := all

PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
# The containerd that the tests run; its shim and ctr are looked for beside it.
CONTAINERD ?= containerd
export CONTAINERD

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
PKG_LIBS = $(shell pkg-config --libs $(LIBRARIES)) -pthread -lm

SOURCES := $(sort $(wildcard src/*.c src/*/*.c))
PROTOS := $(sort $(wildcard src/ctr/*.proto))
SQL := $(sort $(wildcard sql/*.sql))
GENERATED := $(PROTOS:src/ctr/%.proto=$(BUILD)/generated/ctr/%.pb-c.c) $(BUILD)/generated/schema_steps.c
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/objects/%.o) \
	$(GENERATED:$(BUILD)/generated/%.c=$(BUILD)/objects/generated/%.o)
# All but main: what the unit tests are linked with.
LIBRARY := $(BUILD)/libwsnap.a

# V=1 shows the whole commands.
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)

.PHONY: all
all: $(BUILD)/wsnap

$(BUILD)/wsnap: $(BUILD)/objects/main.o $(LIBRARY)
	$(call say,LINK) $(CC) $(CFLAGS) $(LDFLAGS) $(OUR_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(LIBRARY): $(filter-out $(BUILD)/objects/main.o,$(OBJECTS))
	@rm -f $@
	$(call say,AR) $(AR) rcs $@ $^

$(BUILD)/objects/%.o: src/%.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(WARNINGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/objects/generated/%.o: $(BUILD)/generated/%.c
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/generated/ctr/%.pb-c.c: src/ctr/%.proto
	@mkdir -p $(@D)
	$(call say,PROTO) protoc-c --proto_path=src/ctr --c_out=$(@D) $<

# The schema steps as strings: sql/001-….sql becomes the first element of schema_steps[].
$(BUILD)/generated/schema_steps.c: $(SQL) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "store/schema_steps.h"'; \
	   echo 'const char *const schema_steps[] = {'; \
	   for file in $(SQL); do sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $$file; echo ','; done; \
	   echo '};'; echo 'const int schema_step_count = $(words $(SQL));'; } > $@

# Generated sources stay, to be looked at.
.SECONDARY: $(GENERATED)

-include $(OBJECTS:.o=.d)

# --- installation --------------------------------------------------------------------------------

BINDIR := $(DESTDIR)$(PREFIX)/bin
MAN1DIR := $(DESTDIR)$(PREFIX)/share/man/man1
COMPLETIONDIR := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
UNITDIR := $(DESTDIR)$(PREFIX)/lib/systemd/system

.PHONY: install
install: $(BUILD)/wsnap
	install -D -m 755 $(BUILD)/wsnap $(BINDIR)/wsnap
	install -D -m 644 man/wsnap.1 $(MAN1DIR)/wsnap.1
	install -D -m 644 completions/wsnap.bash $(COMPLETIONDIR)/wsnap
	install -d $(UNITDIR)
	sed 's|@PREFIX@|$(PREFIX)|g' src/systemd/wsnap-recover.service.in > $(UNITDIR)/wsnap-recover.service
	sed 's|@PREFIX@|$(PREFIX)|g' src/systemd/wsnap-policies.service.in > $(UNITDIR)/wsnap-policies.service
	install -m 644 src/systemd/wsnap-policies.timer $(UNITDIR)/wsnap-policies.timer
	chmod 644 $(UNITDIR)/wsnap-recover.service $(UNITDIR)/wsnap-policies.service

# --- tests ---------------------------------------------------------------------------------------

# Every tests/unit/*.c is a program of its own; what several of them share is in tests/unit/support/*.c.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(sort $(wildcard tests/unit/*.c)))
UNIT_SUPPORT := $(patsubst tests/unit/%.c,$(BUILD)/objects/tests/unit/%.o,$(sort $(wildcard tests/unit/support/*.c)))

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS)

$(BUILD)/objects/tests/unit/%.o: tests/unit/%.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) -Itests/unit $(WARNINGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/%: $(BUILD)/objects/tests/unit/%.o $(UNIT_SUPPORT) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK) $(CC) $(CFLAGS) $(LDFLAGS) $(OUR_LDFLAGS) -o $@ $^ -lcmocka $(PKG_LIBS)

.PRECIOUS: $(BUILD)/objects/tests/unit/%.o
-include $(wildcard $(BUILD)/objects/tests/unit/*.d)

# The targets below install what is missing (Debian packages), build, and need root: `sudo make check`.
PACKAGES := tests/lib/packages.sh
RUN := tests/check/run.sh

.PHONY: quickstart quickstart-stop
quickstart:
	@$(PACKAGES) build run
	@$(MAKE) --no-print-directory all
	@tests/quickstart/quickstart.sh start

quickstart-stop:
	@tests/quickstart/quickstart.sh stop

.PHONY: check
check:
	@$(PACKAGES) build run test
	@$(RUN)

# Too long, or too hungry, for every change.
.PHONY: e2e-long network endurance torture bench bench-fleet bench-diff
e2e-long:
	@$(PACKAGES) build run test
	@$(RUN) $@

network:
	@$(PACKAGES) build run test
	@$(MAKE) --no-print-directory all
	@tests/network/run.sh

endurance:
	@$(PACKAGES) build run test
	@$(MAKE) --no-print-directory all unit-tests
	@tests/endurance/trees.sh
	@tests/endurance/writers.sh
	@tests/endurance/versions.sh

torture:
	@$(PACKAGES) build run test
	@$(MAKE) --no-print-directory all
	@tests/torture/torture.sh all

bench:
	@$(PACKAGES) build run test
	@$(MAKE) --no-print-directory all
	@tests/bench/bench.sh
	@tests/bench/live.sh

$(BUILD)/tests/bench/fleet: tests/bench/fleet.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK) $(CC) $(CFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(WARNINGS) $(PKG_CFLAGS) $(LDFLAGS) $(OUR_LDFLAGS) -o $@ $^ $(PKG_LIBS)

bench-fleet:
	@$(PACKAGES) build run test
	@$(MAKE) --no-print-directory all $(BUILD)/tests/bench/fleet
	@tests/bench/many.sh
	@tests/bench/fleet.sh $(BUILD)/tests/bench/fleet

bench-diff:
	@$(PACKAGES) build run test
	@$(MAKE) --no-print-directory all
	@tests/bench/diff.sh

# One version of it, so that everybody's agrees (tests/check/format.sh holds it).
.PHONY: format
format:
	clang-format -i src/*.c src/*/*.[ch] tests/unit/*.c tests/unit/support/*.[ch] tests/torture/*.c tests/bench/fleet.c

.PHONY: clean
clean:
	rm -rf build

.PHONY: help
help:
	@echo 'make                   build build/wsnap'
	@echo 'make install           into PREFIX ($(PREFIX)), below DESTDIR'
	@echo 'sudo make quickstart   build it and see it work, on two servers of its own'
	@echo 'make quickstart-stop   end those servers and remove what they left'
	@echo 'sudo make check        every test, in less than 20 minutes'
	@echo 'make unit-tests        build the unit tests alone'
	@echo 'make bench             measure downtime and speed'
	@echo 'make bench-fleet       measure runs over 100 workspaces that run, and over 200 and 2,000 containers'
	@echo 'make bench-diff        measure diff in a tree of a million files'
	@echo 'make e2e-long          end-to-end tests that take long'
	@echo 'make endurance         long runs: 1,000 random trees merged, 10,000 versions taken'
	@echo 'make torture           kill wsnap, containerd and Postgres at every step'
	@echo 'make network           workspaces with CNI networks'
	@echo 'make format            lay the source out (clang-format 14)'
	@echo 'make clean             remove build/'
	@echo
	@echo 'V=1 shows the commands, DEV=1 makes warnings errors, SANITIZE=address,undefined builds into its own folder,'
	@echo 'CC=clang takes another compiler, CONTAINERD=/path/to/containerd another containerd for the tests.'
