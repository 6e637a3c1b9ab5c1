# shellcheck shell=bash
# For scripts/test and scripts/test-long: builds, runs suites and sums what they count.

passed=0
failed=0
logs=$PWD/build/logs
jobs=$(getconf _NPROCESSORS_ONLN 2> /dev/null || echo 2)
mkdir -p "$logs"

# Sanitizers of older compilers do not know every layout of addresses that a new kernel draws.
fixed_addresses=()
if setarch -R true 2> /dev/null; then fixed_addresses=(setarch -R); fi

export CTEST_PARALLEL_LEVEL=$jobs
export CK_VERBOSITY=normal
export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=die_after_fork=0:second_deadlock_stack=1

announce() {
  printf '\n== %s\n' "$*"
}

# build_preset NAME: configures and builds; one failure if that fails.
build_preset() {
  announce "$1: build"
  local log=$logs/$1-build.log
  if cmake --preset "$1" > "$log" 2>&1 && cmake --build --preset "$1" >> "$log" 2>&1; then return 0; fi
  tail -n 40 "$log"
  echo "$1: does not build, see $log"
  failed=$((failed + 1))
  return 1
}

# test_preset NAME [CTEST OPTION...]: builds, runs ctest and counts.
test_preset() {
  local name=$1
  shift
  build_preset "$name" || return 0
  announce "$name: test"
  local report=$logs/$name-tests.xml
  rm -f "$report"
  case $name in
    asan | tsan) export CK_TIMEOUT_MULTIPLIER=10 ;;
    *) export CK_TIMEOUT_MULTIPLIER=3 ;;
  esac
  "${fixed_addresses[@]+"${fixed_addresses[@]}"}" ctest --preset "$name" --timeout 300 "$@" \
    --output-junit "$report" --test-output-size-passed 100000000 --test-output-size-failed 100000000 || true
  count "$name" junit "$report"
}

# run_suites NAME: every program tests/SUITE/NAME and tests/SUITE/PART/NAME that ends with "N passed, M failed".
# They find what was built in $SENDOFF_BUILD.
run_suites() {
  local suite status log
  export SENDOFF_BUILD=$PWD/build/dev
  for suite in tests/*/"$1" tests/*/*/"$1" bindings/*/"$1"; do
    case $suite in tests/bench/*) continue ;; esac
    [ -x "$suite" ] || continue
    announce "$suite"
    status=0
    log=$logs/$(echo "$suite" | tr / -).log
    "$suite" 2>&1 | tee "$log" || status=$?
    count "$suite" log "$log" "$status"
  done
}

# count NAME ARGUMENT...: adds what scripts/count-results finds; one failure if it finds nothing.
count() {
  local name=$1 result total
  shift
  result=$(scripts/count-results "$@" 2>&1) || true
  total=${result##*$'\n'}
  if [[ $total =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
  else
    failed=$((failed + 1))
  fi
  echo "$result" | sed "s/^/   /; \$s/^ */$name: /"
}

finish() {
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

finish_without() {
  echo "$1 failed"
  failed=$((failed + 1))
  finish
}
