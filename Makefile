# The verbs of pam_fob. Each brings what it needs and calls the real tool.
#
#   make            build the module and the command
#   make demo       log in over a private sshd with a code, then see it refused
#   make check      run every test
#   make fuzz       bytes that nobody wrote for every reader (FUZZ_SECONDS=300 each)
#   make bench      measure against the peers (make bench FULL=1 for the long run)
#   make try-ansible  the Ansible role in a throwaway machine, with ansible-core from PyPI
#   make fleet      time the enrolment and the listing of many people
#   make install    into $(DESTDIR)$(PREFIX), the module into $(PAMDIR)
#   make uninstall  take that away again; tokens and ledgers stay

PREFIX ?= /usr
DESTDIR ?=
PAMDIR ?= $(shell packaging/pamdir $(PREFIX))
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system

CARGO ?= cargo
MODULE = target/release/libpam_fob.so
# Built by itself: it makes recovery codes by the ten thousand, and so asks the processor for
# its SHA instructions, which .cargo/config.toml keeps the module from doing.
COMMAND = target/command/release/fob

PAGES = $(notdir $(wildcard man/*.[158]))
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
COMPLETIONS = $(BASHDIR)/fob $(ZSHDIR)/_fob $(FISHDIR)/fob.fish

.PHONY: all build demo check lint bench fleet race fuzz try-ansible install uninstall clean

all: build

build:
	packaging/needs build
	$(CARGO) build --release --locked --package pam_fob
	RUSTFLAGS= $(CARGO) build --release --locked --package fob-cli --target-dir target/command

demo: build
	tests/parts
	tests/as-root tests/demo

check: build
	packaging/needs check
	$(MAKE) --no-print-directory lint
	tests/parts
	$(CARGO) test --locked --package fob-core --package fob-store --package fob-import \
	    --package fob-cli
	fuzz/run $(or $(FUZZ_SECONDS),1)
	tests/it/run

# Where rustfmt and clippy are installed; a newer clippy's remarks fail in CI alone.
lint:
	@if $(CARGO) fmt --version >/dev/null 2>&1; then $(CARGO) fmt --check; else echo 'lint: no rustfmt, skipped'; fi
	@if $(CARGO) clippy --version >/dev/null 2>&1; then \
	    $(CARGO) clippy --locked --workspace --all-targets $(if $(CI),-- --deny warnings); \
	    else echo 'lint: no clippy, skipped'; fi

# Thousands of rounds of each race; `make check` runs 200.
race: build
	tests/parts
	FOB_ROUNDS=$(or $(ROUNDS),5000) tests/it/run once

# Every reader on bytes that nobody wrote; `make check` gives each a second.
fuzz:
	packaging/needs check
	fuzz/run $(or $(FUZZ_SECONDS),300)

bench: build
	packaging/needs check
	benches/run $(if $(FULL),--long)

try-ansible: build
	tests/parts
	tests/as-root packaging/ansible/try

fleet: build
	tests/parts
	tests/as-root tests/fleet-speed

install: $(MODULE) $(COMMAND)
	install -D -m 0644 $(MODULE) $(DESTDIR)$(PAMDIR)/pam_fob.so
	install -D -m 0755 $(COMMAND) $(DESTDIR)$(PREFIX)/bin/fob
	for page in $(PAGES); do \
	    install -D -m 0644 man/$$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page || exit; done
	install -d -m 0755 $(addprefix $(DESTDIR),$(dir $(COMPLETIONS)))
	$(COMMAND) completions bash >$(DESTDIR)$(BASHDIR)/fob
	$(COMMAND) completions zsh >$(DESTDIR)$(ZSHDIR)/_fob
	$(COMMAND) completions fish >$(DESTDIR)$(FISHDIR)/fob.fish
	chmod 0644 $(addprefix $(DESTDIR),$(COMPLETIONS))
	install -D -m 0644 packaging/fob-seal.service $(DESTDIR)$(UNITDIR)/fob-seal.service
	install -d -m 0755 $(DESTDIR)/etc/fob
	install -d -m 0700 $(DESTDIR)/etc/fob/tokens $(DESTDIR)/var/lib/fob
	# Written in place, so it must not be copied on write (btrfs); elsewhere nothing to do.
	@chattr +C $(DESTDIR)/var/lib/fob 2>/dev/null || true

uninstall:
	@if grep -ls '^[^#]*pam_fob\.so' $(DESTDIR)/etc/pam.d/* 2>/dev/null; then \
	    echo 'uninstall: these PAM files still name pam_fob.so, and would refuse everybody.' >&2; \
	    echo 'uninstall: take it out of them first.' >&2; exit 1; fi
	rm -f $(DESTDIR)$(PAMDIR)/pam_fob.so $(DESTDIR)$(PREFIX)/bin/fob
	for page in $(PAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
	rm -f $(addprefix $(DESTDIR),$(COMPLETIONS)) $(DESTDIR)$(UNITDIR)/fob-seal.service
	@echo 'Tokens in /etc/fob and ledgers in /var/lib/fob are left where they are.'

$(MODULE) $(COMMAND):
	$(MAKE) build

clean:
	$(CARGO) clean
