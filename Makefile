# make demo        the suite with two ranks over DFS (the stand-in) and over POSIX, side by side
# make test        all tests
# make deps        what the two need: an MPI, libclang, a C compiler (by apt, what is missing)
# make valgrind    libdfs's safe layer over the stand-in, every backend and every queue under valgrind's memcheck
# make miri        what of the crate daos-dfs calls no C, under Miri (a nightly toolchain with miri and rust-src)
# make bench-daos  the official C suite and this one side by side on an installed DAOS: IO500=…/io500 POOL=tank MOUNT=/mnt/dfuse (see the script)
# make asan        the same as valgrind under AddressSanitizer and its leak detection (a nightly toolchain; x86-64)
# make test-cluster  Slurm with four nodes, hosts in network namespaces, MPICH: on this machine, as root, in about ten minutes
# make chaos       random suites with random faults: CHAOS_RUNS of them (50), from CHAOS_SEED (1)
# make abi-check   compares the stand-in's declarations with the headers of an installed DAOS
# make fuzz        every parser for FUZZ_SECONDS (60) with cargo-fuzz and a nightly compiler: fuzz/README.md
# make install     PREFIX=/usr/local, DESTDIR for packages: program, manual, completions, job scripts; BIN=… installs one that was built
# make deb, rpm    packages, with cargo-deb and cargo-generate-rpm
# make release-check   whether the crates could be published: RELEASING.md
# make ci          what has to pass before a change lands

# Where nothing else is said, the stand-in is built, not an installed DAOS. Against a real one:
#   make test DAOS_SYS_PROVIDER=system DFS_TEST_POOL=tank
export DAOS_SYS_PROVIDER ?= standin

# Jobs of more ranks than cores, in containers as root; other MPIs do not look at these.
export OMPI_ALLOW_RUN_AS_ROOT = 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM = 1
export OMPI_MCA_rmaps_base_oversubscribe = 1
export OMPI_MCA_mpi_yield_when_idle = 1

.PHONY: demo test deps valgrind miri bench-daos abi-check release-check fuzz asan test-cluster chaos install release deb rpm ci
demo: deps
	cargo build --release --locked
	examples/demo.sh

# The stand-in's store is a directory of its own: shared memory is small in many containers, and nothing is left behind.
test: deps
	@root=$$(mktemp -d) && trap 'rm -rf "$$root"' EXIT && DAOS_STANDIN_ROOT=$$root cargo test --workspace --locked
	@[ -d ../shared ] || echo 'note: ../shared is not there: tests that need whole files of published results or snapshots were skipped'

deps:
	@.ci/deps

memcheck = cargo test --workspace --locked --config "target.'cfg(unix)'.runner = 'valgrind -q --error-exitcode=9 --fair-sched=yes'"
valgrind: deps
	@.ci/deps valgrind
	@root=$$(mktemp -d) && trap 'rm -rf "$$root"' EXIT && export DAOS_STANDIN_ROOT=$$root && \
	    $(memcheck) --test conformance -- --test-threads=1 && $(memcheck) --lib -- --test-threads=1 queue

# Two tests walk all object classes, which takes Miri longer than everything else.
miri: deps
	MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --locked --target-dir target/miri -p daos-dfs --lib -- \
	    --skip an_unknown_class_lists_the_nearest --skip names_come_back
	PROPTEST_CASES=4 MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --locked --target-dir target/miri -p io500-phases \
	    --no-default-features --lib -- buffer:: name:: units::

bench-daos: deps
	@test -n "$(IO500)" || { echo "bench-daos: IO500 is not set: the path of the official suite's program io500, built with DAOS" >&2; exit 2; }
	DAOS_SYS_PROVIDER=system cargo build --release --locked
	examples/bench-daos.sh
# For the sanitizer everything is built once more, build scripts and procedural macros excepted: they run on the host.
asan = RUSTFLAGS=-Zsanitizer=address cargo +nightly test --locked --target x86_64-unknown-linux-gnu --target-dir target/asan
asan: deps
	@root=$$(mktemp -d) && trap 'rm -rf "$$root"' EXIT && export DAOS_STANDIN_ROOT=$$root && \
	    $(asan) -p daos-dfs --test conformance -- --test-threads=1 && \
	    $(asan) -p io500-phases --no-default-features --features dfs --lib -- --test-threads=1 queue && \
	    $(asan) -p io500-phases --no-default-features --features dfs --test conformance -- --test-threads=1
# MPICH's dfs-bench has a target directory of its own; MPICH=no leaves its tests out. Where no cluster can be made the tests say so and pass.
MPICH ?= yes
mpich = $(CURDIR)/target/mpich
test-cluster: deps
	@if [ "$$(id -u)" != 0 ]; then echo "SKIPPED: make test-cluster: only root can make a cluster"; exit 0; fi; set -e; \
	.ci/deps slurmctld slurmd slurm-client munge iproute2 shellcheck; \
	if [ "$(MPICH)" = yes ]; then .ci/deps mpich libmpich-dev; MPICC=mpicc.mpich cargo build --workspace --locked --target-dir $(mpich); fi; \
	DFS_BENCH_TEST_MPICH=$(mpich)/debug/dfs-bench \
	    cargo test --workspace --locked --test cluster -- --include-ignored --test-threads=1 --nocapture $(CLUSTER_TESTS)

chaos: deps
	CHAOS_RUNS=$${CHAOS_RUNS:-50} cargo test --workspace --locked --test chaos -- --ignored --nocapture

abi-check: deps
	cargo run --quiet --locked -p daos-sys --example abi_check

FUZZ_SECONDS ?= 60
fuzz:
	@set -e; for target in $$(cargo +nightly fuzz list); do \
	    echo "== $$target"; cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048; \
	done

PREFIX ?= /usr/local
BIN ?= target/release/dfs-bench
share = $(DESTDIR)$(PREFIX)/share
release:
	cargo build --release --locked

# a program that is named was built already
install: $(if $(filter command%,$(origin BIN)),,deps release)
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/dfs-bench
	install -d $(share)/man/man1 $(share)/bash-completion/completions $(share)/zsh/site-functions $(share)/fish/vendor_completions.d
	$(BIN) man >$(share)/man/man1/dfs-bench.1
	$(BIN) completions bash >$(share)/bash-completion/completions/dfs-bench
	$(BIN) completions zsh >$(share)/zsh/site-functions/_dfs-bench
	$(BIN) completions fish >$(share)/fish/vendor_completions.d/dfs-bench.fish
	install -D -m 644 -t $(share)/dfs-bench examples/daos.ini examples/job.slurm examples/job.pbs packaging/figures.py
	install -D -m 644 -t $(share)/dfs-bench/campaigns examples/campaigns/*.toml
	install -D -m 644 -t $(share)/doc/dfs-bench README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE docs/*.md docs/*.json

# the packages take the manual and the completions from an image of the installation
deb rpm: DESTDIR = target/image
deb rpm: PREFIX = /usr
deb: install
	cargo deb --no-build
rpm: install
	cargo generate-rpm

release-check: deps
	@.ci/release-check

ci:
	@.ci/run
