# The verbs of pam_fob. Each brings what it needs and calls the real tool.
#
#   make            build the module and the command
#   make demo       log in over a private sshd with a code, then see it refused
#   make check      run every test
#   make fuzz       bytes that nobody wrote for every reader (FUZZ_SECONDS=300 each)
#   make model      the ledger against a reference, with faults in every place
#   make faults     every system call of a login failed in every way
#   make powercut   the power goes after each success, on three file systems
#   make mutants    changes to what decides, which a test must notice
#   make supply-chain  what the module is made of, and under which licences
#   make soak       an hour of everything at once (SECONDS=3600)
#   make hosts      thousands of connections to sshd that break off (DROPS=4000)
#   make sanitizers hostile applications, with AddressSanitizer and under valgrind
#   make platforms  other compilers, versions and processors, as far as they can be had
#   make bench      measure against the peers (make bench FULL=1 for the long run)
#   make try-ansible  the Ansible role in a throwaway machine, with ansible-core from PyPI
#   make try-metrics  the numbers for Prometheus before its promtool, the units before systemd-analyze
#   make try-desktops  the examples for desktops in LightDM under Xvfb, and in xrdp with FreeRDP's client
#   make fleet      time the enrolment and the listing of many people
#   make pictures   draw the handbook's pictures anew
#   make install    into $(DESTDIR)$(PREFIX), the module into $(PAMDIR)
#   make uninstall  take that away again; tokens and ledgers stay
#
#   make dist       target/dist: the source with its crates, a bill of materials, checksums
#   make sbom       the bill of materials alone
#   make deb        target/deb: Debian packages, looked over by lintian
#   make deb-again  build them in another folder, and compare the bytes
#   make try-deb    install, log in, upgrade, remove, purge them in a throwaway Debian (SUITE=trixie)
#   make autopkgtest  debian/tests of the packages under autopkgtest (SUITE=trixie)
#   make rpm        target/rpm: RPM packages, looked over by rpmlint
#   make selinux    compile the SELinux module
#   make try-selinux  logins and systemd's units in a virtual Debian that enforces it (SUITE=trixie)
#   make arch       target/arch: the recipe of an Arch package, its functions tried
#   make alpine     target/alpine: the same for an Alpine package, with musl

PREFIX ?= /usr
DESTDIR ?=
PAMDIR ?= $(shell packaging/pamdir $(PREFIX))
# In a folder that libpam doesn't look into the module would keep everybody out.
pamdir = $(or $(PAMDIR),$(error no folder of PAM modules was found; say where libpam looks for them, such as PAMDIR=/usr/lib/security))
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
DOCDIR ?= $(PREFIX)/share/doc/fob

CARGO ?= cargo
# Brings what is missing; "NEEDS=:" where a package's recipe has seen to that.
NEEDS ?= packaging/needs
# More flags for the compiler, beside those of .cargo/config.toml, such as --remap-path-prefix.
EXTRA_RUSTFLAGS ?=
comma := ,
flags = $(RUSTFLAGS) $(EXTRA_RUSTFLAGS)
# CARGO_BUILD_TARGET=aarch64-unknown-linux-gnu builds for another processor.
triple = $(CARGO_BUILD_TARGET:%=%/)
MODULE = target/$(triple)release/libpam_fob.so
# Built by itself: it makes recovery codes by the ten thousand, and so asks the processor for
# its SHA instructions, which .cargo/config.toml keeps the module from doing.
COMMAND = target/command/$(triple)release/fob
# Writes the completions. A command for another processor can't, so there is one for this too.
HERE = target/command/release/fob
ifdef CARGO_BUILD_TARGET
export CARGO_BUILD_TARGET
endif

SOURCE = pam_fob-$(shell packaging/version)

PAGES = $(notdir $(wildcard man/*.[158]))
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
COMPLETIONS = $(BASHDIR)/fob $(ZSHDIR)/_fob $(FISHDIR)/fob.fish

.PHONY: all build demo check lint bench fleet model faults powercut soak hosts sanitizers platforms race \
    supply-chain mutants fuzz pictures try-ansible try-metrics try-desktops install uninstall dist sbom deb deb-again try-deb autopkgtest rpm selinux try-selinux arch alpine clean

all: build

# RUSTFLAGS of the environment would replace those of .cargo/config.toml, so they are handed on with the others.
build:
	$(NEEDS) build
	env -u RUSTFLAGS $(CARGO) build --release --locked --package pam_fob \
	    --config 'build.rustflags=[$(foreach flag,$(flags),"$(flag)"$(comma))]'
	RUSTFLAGS='$(flags)' $(CARGO) build --release --locked --package fob-cli --target-dir target/command
ifdef CARGO_BUILD_TARGET
	env -u CARGO_BUILD_TARGET RUSTFLAGS= $(CARGO) build --release --locked --package fob-cli --target-dir target/command
endif

demo: build
	tests/parts
	tests/as-root tests/demo

check: build
	$(NEEDS) check
	$(MAKE) --no-print-directory lint
	tests/supply-chain
	tests/parts
	$(CARGO) test --locked --workspace --lib --bins
	tests/root-units
	fuzz/run $(or $(FUZZ_SECONDS),1)
	tests/it/run

# Where rustfmt and clippy are installed; a newer clippy's remarks fail in CI alone.
lint:
	@if $(CARGO) fmt --version >/dev/null 2>&1; then $(CARGO) fmt --check; else echo 'lint: no rustfmt, skipped'; fi
	@if $(CARGO) clippy --version >/dev/null 2>&1; then \
	    $(CARGO) clippy --locked --workspace --all-targets $(if $(CI),-- --deny warnings); \
	    else echo 'lint: no clippy, skipped'; fi

# What the module is made of, and under which licences.
supply-chain:
	tests/supply-chain --deny

# Every order of the steps of logins at once, two faults, and many histories; `make check` has a
# short form.
model:
	FOB_MODEL=$(or $(TIMES),40) $(CARGO) test --locked --release --package fob-store model -- --nocapture

# Every system call of every kind of login failed, interrupted, cut short and killed at, and every
# allocation failed;
# `make check` takes a sample.
faults: build
	tests/parts
	FOB_FAULTS=all tests/it/run faults:: starved:: --nocapture

# The power goes after each success, on ext4, xfs and btrfs; `make check` has ext4.
powercut: build
	$(NEEDS) powercut
	tests/parts
	FOB_POWERCUT=all tests/it/run powercut:: --include-ignored --nocapture

# Thousands of rounds of each race, with up to 100 at once; `make check` runs 200.
race: build
	tests/parts
	FOB_ROUNDS=$(or $(ROUNDS),5000) tests/it/run once swapped_files

# What decides changed, one place after another: does a test notice? An hour or two.
mutants:
	tests/mutants

# Fifty people, killed processes, a full disk, stepping clocks; `make check` has seconds of it.
soak: build
	tests/parts
	FOB_SOAK=$(or $(SECONDS),3600) tests/it/run soak:: --nocapture

# Connections that break off at any moment; `make check` has 64.
hosts: build
	tests/parts
	FOB_DROPS=$(or $(DROPS),4000) tests/it/run hosts:: --nocapture

# Hostile applications and successful logins, which `make check` has under valgrind, and the
# fuzzer on an application's answer.
sanitizers: build
	$(NEEDS) check
	tests/parts
	tests/sanitizers

# The oldest compiler, the oldest libraries, other processors, another C library.
platforms:
	tests/platforms

# Every reader on bytes that nobody wrote; `make check` replays what was kept, and gives each a second.
fuzz:
	$(NEEDS) check
	fuzz/run $(or $(FUZZ_SECONDS),300)

bench: build
	$(NEEDS) check
	benches/run $(if $(FULL),--long)

try-ansible: build
	tests/parts
	tests/as-root packaging/ansible/try

try-metrics: build
	tests/parts
	tests/as-root packaging/try-metrics

# 40 MB of Debian's packages, unpacked and not installed.
try-desktops: build
	tests/parts
	tests/sandbox/packages target/machine/desktops lightdm gir1.2-lightdm-1 python3-gi dbus xvfb \
	    xrdp tigervnc-standalone-server freerdp2-x11
	tests/it/run desktops:: --include-ignored

fleet: build
	tests/parts
	tests/as-root tests/fleet-speed

# Committed; drawn anew when what they show has changed.
pictures: build
	tests/parts
	tests/as-root docs/pictures/make

install: $(MODULE) $(COMMAND)
	install -D -m 0644 $(MODULE) $(DESTDIR)$(pamdir)/pam_fob.so
	install -D -m 0755 $(COMMAND) $(DESTDIR)$(PREFIX)/bin/fob
	for page in $(PAGES); do \
	    install -D -m 0644 man/$$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page || exit; done
	install -d -m 0755 $(addprefix $(DESTDIR),$(dir $(COMPLETIONS)))
	$(HERE) completions bash >$(DESTDIR)$(BASHDIR)/fob
	$(HERE) completions zsh >$(DESTDIR)$(ZSHDIR)/_fob
	$(HERE) completions fish >$(DESTDIR)$(FISHDIR)/fob.fish
	chmod 0644 $(addprefix $(DESTDIR),$(COMPLETIONS))
	install -D -m 0644 packaging/fob-seal.service $(DESTDIR)$(UNITDIR)/fob-seal.service
	packaging/doc $(DESTDIR)$(DOCDIR)
	install -d -m 0755 $(DESTDIR)/etc/fob
	install -d -m 0700 $(DESTDIR)/etc/fob/tokens $(DESTDIR)/var/lib/fob
	# Written in place, so it must not be copied on write (btrfs); elsewhere nothing to do.
	@chattr +C $(DESTDIR)/var/lib/fob 2>/dev/null || true

uninstall:
	@if grep -ls '^[^#]*pam_fob\.so' $(DESTDIR)/etc/pam.d/* $(DESTDIR)/usr/lib/pam.d/* 2>/dev/null; then \
	    echo 'uninstall: these PAM files still name pam_fob.so, and would refuse everybody.' >&2; \
	    echo 'uninstall: take it out of them first.' >&2; exit 1; fi
	rm -f $(DESTDIR)$(pamdir)/pam_fob.so $(DESTDIR)$(PREFIX)/bin/fob
	for page in $(PAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
	rm -f $(addprefix $(DESTDIR),$(COMPLETIONS)) $(DESTDIR)$(UNITDIR)/fob-seal.service
	rm -rf $(DESTDIR)$(DOCDIR)
	@echo 'Tokens in /etc/fob and ledgers in /var/lib/fob are left where they are.'

$(MODULE) $(COMMAND):
	$(MAKE) build

dist: sbom
	$(NEEDS) dist
	packaging/dist
	cd target/dist && sha256sum $(SOURCE).tar.xz $(SOURCE).cdx.json >SHA256SUMS

deb:
	$(NEEDS) deb
	packaging/dist
	packaging/deb

deb-again:
	$(NEEDS) deb
	packaging/deb-again

try-deb:
	$(NEEDS) try-deb
	tests/as-root packaging/try-deb $(or $(SUITE),bookworm)

autopkgtest:
	$(NEEDS) autopkgtest
	tests/as-root packaging/try-autopkgtest $(or $(SUITE),trixie)

rpm: sbom
	$(NEEDS) rpm
	packaging/dist
	packaging/rpm/build

arch:
	$(NEEDS) arch
	packaging/dist
	packaging/arch/build

alpine:
	$(NEEDS) alpine
	packaging/dist
	packaging/alpine/build

selinux:
	$(NEEDS) selinux
	packaging/selinux/try

try-selinux: build
	$(NEEDS) try-selinux
	tests/as-root packaging/selinux/try-enforcing $(or $(SUITE),trixie)

sbom:
	$(NEEDS) dist
	mkdir -p target/dist
	packaging/sbom >target/dist/$(SOURCE).cdx.json
	@echo target/dist/$(SOURCE).cdx.json

clean:
	$(CARGO) clean
