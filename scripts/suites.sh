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
  "${fixed_addresses[@]+"${fixed_addresses[@]}"}" ctest --preset "$name" --timeout 900 "$@" \
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
  printf '%s: %s\n' "$name" "${result//$'\n'/$'\n'$name: }"
}

finish() {
  finished=yes
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  if [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; then exit 0; fi
  exit 1
}

# Whatever ends the script early, its last line is the count, and not a good one.
finish_early() {
  [ -z "$finished" ] || return
  echo 'ended early'
  failed=$((failed + 1))
  finish
}
finished=
trap finish_early EXIT
trap 'exit 130' INT TERM

finish_without() {
  echo "$1 failed"
  failed=$((failed + 1))
  finish
}
