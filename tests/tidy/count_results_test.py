#!/usr/bin/env python3
"""Proves that scripts/count-results counts right, and that no broken suite passes for a good one."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "scripts" / "count-results"

# Output, status it ended with, and (passed, failed) that it counts as.
LOGS = [
    ("1 passed, 0 failed\n", 0, (1, 0)),
    ("part: 5 passed, 0 failed\n3 passed, 0 failed\n9 passed, 0 failed\n", 0, (9, 0)),
    ("9 passed, 2 failed\n", 1, (9, 2)),
    ("9 passed, 2 failed\n", 0, (9, 2)),
    ("9 passed, 0 failed\n", 1, (9, 1)),
    ("9 passed, 0 failed\n", 139, (9, 1)),
    ("0 passed, 0 failed\n", 0, (0, 1)),
    ("all is well\n", 0, (0, 1)),
    ("", 139, (0, 1)),
    ("100%: Checks: 12, Failures: 0, Errors: 0\n", 0, (12, 0)),
    ("100%: Checks: 12, Failures: 0, Errors: 0\n100%: Checks: 3, Failures: 0, Errors: 0\n", 0, (15, 0)),
    ("75%: Checks: 12, Failures: 2, Errors: 1\na_test.c:1:F:a:b:0: wrong\n", 1, (9, 3)),
    ("100%: Checks: 12, Failures: 0, Errors: 0\n==1==ERROR: LeakSanitizer\n", 1, (12, 1)),
    ("[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1 s\n"
     "[INFO] Tests run: 7, Failures: 1, Errors: 1, Skipped: 1\n", 1, (4, 2)),
]
CASE = '<testcase name="{}" status="{}">{}<system-out>{}</system-out></testcase>'
GOOD_CASE = CASE.format("good_test", "run", "", "100%: Checks: 2, Failures: 0, Errors: 0\n")
REPORTS = [
    ([GOOD_CASE], (2, 0)),
    ([GOOD_CASE, CASE.format("dead_test", "fail", '<failure message="SEGFAULT"/>', "Running suite\n")], (2, 1)),
    ([GOOD_CASE, CASE.format("absent_test", "notrun", "", "Unable to find executable")], (2, 1)),
    ([GOOD_CASE, CASE.format("silent_test", "run", "", "")], (2, 1)),
    ([GOOD_CASE, CASE.format("bad_test", "fail", "<failure/>", "50%: Checks: 2, Failures: 1, Errors: 0\n")],
     (3, 1)),
    ([], (0, 1)),
]

# What a script does after seven passed tests, its status and its last line.
SCRIPTS = [
    ("finish", 0, "7 passed, 0 failed"),
    ("passed=0; finish", 1, "0 passed, 0 failed"),
    ("failed=1; finish", 1, "7 passed, 1 failed"),
    ("false", 1, "7 passed, 1 failed"),
    ("exit 0", 1, "7 passed, 1 failed"),
    ("kill -TERM $$; sleep 1", 1, "7 passed, 1 failed"),
    ("count it log no/such/file 0; finish", 1, "7 passed, 1 failed"),
]


def counted(*arguments):
    done = subprocess.run([sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, check=False)
    words = done.stdout.splitlines()[-1].split() if done.stdout else ["0"] * 4
    return int(words[0]), int(words[2])


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="count-results-") as folder:
        file = pathlib.Path(folder) / "file"
        cases = [(output, ["log", str(file), str(status)], wanted) for output, status, wanted in LOGS]
        cases += [(f"<testsuite>{''.join(report)}</testsuite>", ["junit", str(file)], wanted)
                  for report, wanted in REPORTS]
        for text, arguments, wanted in cases:
            file.write_text(text)
            found = counted(*arguments)
            if found == wanted:
                passed += 1
            else:
                failed += 1
                print(f"FAILED  {text!r} {arguments[2:]} counts as {found}, not as {wanted}")
    for script, status, closing in SCRIPTS:
        done = subprocess.run(["bash", "-c", f"set -euo pipefail; . scripts/suites.sh; passed=7; {script}"],
                              cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == status and done.stdout.splitlines()[-1:] == [closing]:
            passed += 1
        else:
            failed += 1
            print(f"FAILED  {script!r} ends with {done.returncode}: {done.stdout}{done.stderr}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
