#!/usr/bin/env bash
# Fuzzes one target with libFuzzer on stable Rust.
#
#   scripts/fuzz.sh TARGET [EXECUTIONS]     decode, roundtrip, signed, sealed or engine; 1,000,000 executions by default
#
# New inputs are kept in fuzz/target/corpus/TARGET; fuzz/corpus/TARGET holds the committed seeds and is only read.
# A crash is kept in fuzz/target/crashes; make it a file of fuzz/corpus/TARGET when it is mended.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

target=${1:-}
runs=${2:-1000000}
case $target in
decode | roundtrip | signed | sealed | engine) ;;
*)
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
 -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
RUSTFLAGS=${RUSTFLAGS//$'\n'/}
cargo build --release --target "$host" --bin "$target"
mkdir -p "target/corpus/$target" target/crashes
exec "target/$host/release/$target" -runs="$runs" -dict=lsnp.dict -max_len=2048 -len_control=20 -rss_limit_mb=512 \
    -timeout=10 -print_final_stats=1 -artifact_prefix=target/crashes/ "target/corpus/$target" "corpus/$target"
