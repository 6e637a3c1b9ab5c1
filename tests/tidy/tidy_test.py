#!/usr/bin/env python3
"""Proves that each rule of tidy.py finds what it is there for, and leaves good sources alone."""
import os
import pathlib
import shutil
import sys
import tempfile

import tidy

GOOD = {
    "src/base/noun.h": """/* Counts nouns. */
#ifndef BASE_NOUN_H
#define BASE_NOUN_H

#include <stdint.h>

struct noun {
  int32_t count;
};

/* One more. */
void noun_add(struct noun *noun);

#endif
""",
    "src/base/noun.c": """#include "base/noun.h"
#include <stdio.h>

/* free(memory) in a comment and "printf(" in a literal are no calls. */
static const char *const text = "printf(strcpy(assert(";

void noun_add(struct noun *noun) {
  noun->count += text != NULL;
}
""",
    "src/protocol/verb.h": """/* Uses nouns. */
#ifndef PROTOCOL_VERB_H
#define PROTOCOL_VERB_H

#include "base/noun.h"

struct operations {
  void (*free)(void *memory);
};

/* A pair of them. */
struct pair {
  struct noun first, second;
};
struct triple {
  struct pair pair;
  struct noun third;
};

void verb_use(const struct operations *operations);

#endif
""",
    "src/protocol/verb.c": """#include "protocol/verb.h"
#include <stddef.h>

void verb_use(const struct operations *operations) {
  operations->free(NULL);
}
""",
    "tests/unit/noun_test.c": "#include <stdlib.h>\n\nint main(void) {\n  free(NULL);\n  return 0;\n}\n",
    "tests/unit/verb_test.c": "int main(void) {\n  return 0;\n}\n",
    "scripts/hello": "#!/usr/bin/env bash\nset -euo pipefail\necho 'https://example.org/home/page'\n",
    "README.md": "Installed under /usr/local, as `/etc/sendoff` is.\n",
    ".clang-format": "BasedOnStyle: LLVM\nColumnLimit: 110\nAllowShortFunctionsOnASingleLine: Inline\n",
}


def function_of(line_count):
    return "int call(int a) {\n" + "  a++;\n" * (line_count - 3) + "  return a;\n}\n"


def with_function(body, call):
    return f"#include <stddef.h>\n\nint call(int a) {{\n  {body}({call});\n  return a;\n}}\n"


# Rule: files that break it, each alone put over the good tree.
BAD = {
    "includes_stay_within_the_layers": [
        ("src/base/noun.c", '#include "base/noun.h"\n#include "protocol/verb.h"\n'),
        ("src/protocol/verb.c", '#include "protocol/verb.h"\n#include "network/socket.h"\n'),
        ("src/protocol/verb.c", '#include "protocol/verb.h"\n#  include "../base/noun.h"\n'),
        ("src/cli/main.c", '#include "producer/producer.h"\n'),
        ("src/broker/model.c", '#include "sender/sender.h"\n'),
        ("abi/sendoff.c", '#include "broker/broker.h"\n'),
        ("abi/sendoff.c", '#include "noun.h"\n'),
        ("src/base/other.c", "#include <base/noun.h>\n"),
        ("src/strange/noun.c", "int strange;\n"),
    ],
    "own_header_comes_first": [
        ("src/base/noun.c", '#include <stdio.h>\n#include "base/noun.h"\n'),
        ("src/base/noun.c", "int nothing_included;\n"),
    ],
    "system_headers_stay_behind_their_seam": [
        ("src/producer/flush.c", "#include <sys/epoll.h>\n"),
        ("src/network/connection.c", "#include <sys/socket.h>\n"),
        ("src/base/noun.c", '#include "base/noun.h"\n#include <assert.h>\n'),
    ],
    "functions_fit_a_screen": [
        ("src/base/long.c", function_of(71)),
        ("tests/unit/noun_test.c", "START_TEST(reads) {\n" + "  step();\n" * 70 + "}\nEND_TEST\n"),
        ("abi/sendoff/sendoff.h", 'extern "C" {\nstatic ' + function_of(71) + "}\n"),
        ("src/base/long.c", "enum { A };\n" + function_of(71).replace("int a)", "\n  int a)")),
    ],
    "files_are_short": [
        ("src/base/long.h", "int a;\n" * 801),
        ("tests/unit/noun_test.c", "int a;\n" * 1001),
    ],
    "lines_are_short": [
        ("src/base/wide.c", "/* " + "x" * 105 + " */\n"),
        ("scripts/wide", "#!/bin/sh\n# " + "x" * 119 + "\n"),
        ("tests/wide.py", "# " + "x" * 119 + "\n"),
    ],
    "format_is_clang_formats": [
        ("src/base/noun.c", '#include "base/noun.h"\nint  twice;\n'),
    ],
    "banned_calls_are_not_made": [
        *[("src/base/bad.c", with_function(name, call)) for name, call in [
            ("strcpy", "to, from"), ("sprintf", "to, from"), ("strtok", "a, b"), ("atoi", '"1"'), ("rand", ""),
            ("malloc", "1"), ("free", "a"), ("strdup", "a"),
            ("time", "NULL"), ("clock_gettime", "0, a"), ("assert", "a"), ("usleep", "1"), ("system", '"x"'),
            ("if (free", "a)"), ("return malloc", "1")]],
        ("src/cli/main.c", with_function("malloc", "1")),
        ("tests/unit/noun_test.c", with_function("strcpy", "a, b")),
    ],
    "locks_are_those_that_the_compiler_follows": [
        ("src/base/bad.c", "#include <pthread.h>\n\nstatic pthread_mutex_t mutex;\n"),
        ("src/cli/main.c", with_function("pthread_mutex_lock", "NULL")),
        ("abi/sendoff.c", with_function("pthread_cond_wait", "NULL, NULL")),
    ],
    "the_library_is_silent": [
        ("src/base/bad.c", with_function("printf", '"x"')),
        ("abi/sendoff.c", with_function("vfprintf", "file, a, b")),
        ("src/broker/bad.c", with_function("fwrite", "a, 1, 1, stderr")),
        ("src/broker/bad.c", with_function("write", "STDERR_FILENO, a, 1")),
    ],
    "nothing_is_left_over": [
        ("src/base/noun.c", "/* TO" + "DO: count */\n"),
        ("README.md", "FIX" + "ME\n"),
        ("src/base/noun.c", "/* Not imple" + "mented. */\n"),
    ],
    "no_path_belongs_to_one_machine": [
        ("README.md", "cd /ho" + "me/someone/sendoff\n"),
        ("src/base/noun.c", 'static const char *path = "/tm' + 'p/socket";\n'),
        ("scripts/hello", "#!/bin/sh\ncat /wo" + "rk/main/file\n"),
    ],
    "the_top_level_is_known": [
        ("left-behind", "left behind\n"),
        ("made-aXs788/good.properties", "a=1\n"),
    ],
    "text_is_clean": [
        ("README.md", "no end of line"),
        ("README.md", "two of them\n\n"),
        ("README.md", "blanks  \n"),
        ("README.md", "carriage return\r\n"),
        ("src/base/noun.c", "\tint tab;\n"),
        ("src/base/noun.c", "/* caf\u00e9 */\n"),
    ],
    "sources_have_header_and_test": [
        ("src/base/alone.c", "int alone;\n"),
        ("src/base/alone_noun.c", "int alone;\n"),
        ("src/base/nouns.c", "int alone;\n"),
        ("src/cli/noun.c", "int alone;\n"),
        ("src/protocol/noun.c", '#include "protocol/noun.h"\n'),
    ],
    "headers_guard_against_a_second_time": [
        ("src/base/open.h", "int open_header;\n"),
        ("src/base/noun.h", "#ifndef NOUN_H\n#define NOUN_H\n#endif\n"),
        ("src/base/noun.h", "#ifndef BASE_NOUN_H\n#define BASE_NOUN_HH\n#endif\n"),
    ],
    "structs_are_explained": [
        ("src/base/noun.h", GOOD["src/base/noun.h"].replace("struct noun {", "struct a {\n};\n\nstruct b {")),
        ("src/base/noun.h", GOOD["src/base/noun.h"].replace("#endif", "typedef struct late {\n} late;\n#endif")),
        ("src/base/noun.h", GOOD["src/base/noun.h"].replace("/* Counts nouns. */\n", "")),
    ],
    "shell_scripts_are_sound": [
        ("scripts/hello", "#!/usr/bin/env bash\necho hello\n"),
        ("scripts/hello", "#!/usr/bin/env bash\nset -euo pipefail\nrm $1\n"),
        ("scripts/hello", "#!/bin/sh\necho $1\n"),
    ],
    "programs_can_be_started": [
        ("scripts/data", "#!/bin/sh\nexit 0\n"),
    ],
}


def results_of(files, executable=("scripts/hello",), exceptions=None):
    root = pathlib.Path(tempfile.mkdtemp(prefix="tidy-test-"))
    try:
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text.encode())
            os.chmod(root / path, 0o755 if path in executable else 0o644)
        return tidy.run(root, exceptions)
    finally:
        shutil.rmtree(root)


def main():
    passed = failed = 0

    def expect(condition, text):
        nonlocal passed, failed
        passed, failed = passed + bool(condition), failed + (not condition)
        if not condition:
            print(f"FAILED  {text}")

    for name, findings in results_of(GOOD).items():
        expect(not findings or isinstance(findings, str), f"{name} finds fault with good sources: {findings}")
    almost = {"src/base/noun.c": '#include "base/noun.h"\n\n' + function_of(70)}
    expect(not results_of({**GOOD, **almost})["functions_fit_a_screen"], "a function of 70 lines is refused")
    part = {"src/base/noun_part.c": '#include "base/noun.h"\n'}
    expect(not results_of({**GOOD, **part})["sources_have_header_and_test"], "a part of a noun is refused")
    loud = {**GOOD, "src/base/bad.c": with_function("printf", '"x"')}
    exception = {("the_library_is_silent", "src/base/bad.c"): "a reason"}
    expect(not results_of(loud, exceptions=exception)["the_library_is_silent"], "an exception has no effect")
    expect(not results_of(loud, exceptions=exception)["exceptions_are_needed"], "an exception is not needed")
    expect(results_of(GOOD, exceptions=exception)["exceptions_are_needed"], "an exception is needed for ever")
    for each in tidy.RULES:
        expect(each.__name__ in BAD, f"{each.__name__} has no canary")
    for name, canaries in BAD.items():
        for number, (path, text) in enumerate(canaries):
            findings = results_of({**GOOD, path: text})[name]
            if isinstance(findings, str):
                print(f"skipped {name}: {findings}")
                continue
            expect(any(finding.startswith(f"{path}:") for finding in findings),
                   f"{name} does not see canary {number} in {path}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
