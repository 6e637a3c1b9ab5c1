#!/usr/bin/env python3
"""Holds the house rules of CONTRIBUTING.md. usage: tidy.py ROOT; ends with "N passed, M failed", a rule each.

A rule is a function from all sources to what is wrong, as "path:line: text". tidy_test.py proves that each
finds what it is there for.
"""
import pathlib
import re
import shutil
import subprocess
import sys

import source

FUNCTION_LINES = 70
FILE_LINES = 800
TEST_FILE_LINES = 1000
COLUMNS = {"c": 110, "h": 110, "i": 120, "py": 120, "java": 120, "go": 120, "rb": 120, "script": 120}

# Which layers the sources of a layer may include, itself among them.
MAY_INCLUDE = {
    "base": {"base"},
    "protocol": {"base", "protocol"},
    "accumulator": {"base", "protocol", "accumulator"},
    "security": {"base", "security"},
    "network": {"base", "protocol", "security", "network"},
    "sender": {"base", "protocol", "accumulator", "network", "sender"},
    "producer": {"base", "protocol", "accumulator", "security", "network", "sender", "producer"},
    "abi": {"base", "protocol", "accumulator", "security", "network", "sender", "producer", "sendoff"},
    "broker": {"base", "protocol", "broker"},
    "cli": {"base", "broker", "cli", "sendoff"},
}

# Calls that have a better one. Each: names, where they are allowed nevertheless, what to do instead.
BANNED_CALLS = [
    ("strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strncpy|strncat", r"$^", "use sizes: memcpy, snprintf"),
    ("strtok|strtok_r|strsep", r"$^", "parse with pointers"),
    ("atoi|atol|atoll|atof", r"$^", "use strtoll and look at its end and errno"),
    ("rand|srand|random|srandom|rand_r|drand48", r"$^", "use base/random.h"),
    ("malloc|calloc|realloc|reallocarray|free|strdup|strndup|aligned_alloc|posix_memalign|asprintf|vasprintf"
     "|mmap|munmap", r"src/base/allocator\.c|tests/", "use base/allocator.h"),
    ("time|gettimeofday|clock_gettime|clock|ftime|timespec_get", r"src/base/clock\.c|tests/|bindings/",
     "use base/clock.h"),
    ("assert", r"$^", "use ASSERT of base/assertion.h, which stays on in release builds"),
    ("sleep|usleep", r"tests/", "wait for what is awaited, with a deadline"),
    ("alloca|setjmp|longjmp|system|popen|signal|vfork", r"tests/", "the process belongs to others"),
    ("strerror|localtime|gmtime|ctime|asctime|gethostbyname|inet_ntoa|readdir_r|tmpnam|mktemp", r"tests/",
     "use the form that is safe with threads"),
]

# What the library could print with.
PRINTS = re.compile(r"(?<![\w.>])(?:(?:v|vf|f|d)?printf|puts|putchar|putc|fputs|fputc|perror)\s*\("
                    r"|\b(?:stdout|stderr|STDOUT_FILENO|STDERR_FILENO)\b")

# (rule, path): why the file may break it.
EXCEPTIONS = {
    ("the_library_is_silent", "src/base/assertion.c"): "says what failed before it ends the process",
    ("the_library_is_silent", "src/producer/shutdown.c"): "says at exit what is missing, when nobody is left to tell",
    ("sources_have_header_and_test", "src/security/unavailable/unavailable.c"):
        "refuses what the headers of the layer offer; tests/unit/without_tls_test.c",
    ("sources_have_header_and_test", "src/cli/main.c"): "only main; the integration tests run it",
    ("sources_have_header_and_test", "src/cli/client.c"): "tested through the commands that use it",
    ("sources_have_header_and_test", "src/cli/console.c"): "tested through the commands that use it",
    ("sources_have_header_and_test", "src/cli/watcher.c"): "tested through the commands that use it",
    ("sources_have_header_and_test", "src/cli/perf_result.c"): "tested through sendoff perf",
    ("sources_have_header_and_test", "src/cli/perf_run.c"): "tested through sendoff perf",
}

# Where what only some systems have may be included: behind a seam.
SYSTEM_HEADERS = {
    "sys/epoll.h": r"src/network/poller_epoll\.c|src/broker/|tests/",
    "sys/socket.h": r"src/network/(address|resolver|transport_socket)\.c|src/broker/|tests/",
    "sys/eventfd.h": r"src/network/waker\.c|src/broker/|src/producer/|tests/",
    "assert.h": r"$^",
    "setjmp.h": r"$^",
}

# What lies beside these at the top was left there by mistake.
TOP_LEVEL = {".ci", "abi", "bindings", "cmake", "completions", "man", "scripts", "src", "tests",
             ".clang-format", ".editorconfig", ".gitattributes", ".gitignore", "CMakeLists.txt", "CMakePresets.json",
             "LICENSE", "Makefile", "THIRD-PARTY-LICENSES",
             "ABI.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONFIGURATION.md", "CONTRIBUTING.md", "README.md",
             "SECURITY.md"}

RULES = []


def rule(function):
    RULES.append(function)
    return function


class Skipped(Exception):
    """The rule's tool is not there."""


def of_suffix(sources, *suffixes):
    return [each for each in sources if each.suffix in suffixes]


@rule
def includes_stay_within_the_layers(sources):
    """Sources name a header by its layer; those of abi/, which has no folder of its own name, by itself."""
    own_of_abi = {each.name for each in sources if re.fullmatch(r"abi/[^/]+\.h", each.path)}
    for each in of_suffix(sources, "c", "h"):
        allowed = MAY_INCLUDE.get(each.layer)
        if each.layer and allowed is None:
            yield f"{each.path}:1: {each.layer} is no layer"
        for line, quote, path in each.includes if allowed else []:
            is_own = each.layer == "abi" and path in own_of_abi
            if quote == '"' and path.split("/")[0] not in allowed and not is_own:
                yield f"{each.path}:{line}: {each.layer} may not include {path}"
            if quote == "<" and path.split("/")[0] in MAY_INCLUDE:
                yield f"{each.path}:{line}: our own header {path} is included as the system's"


@rule
def own_header_comes_first(sources):
    paths = {each.path for each in sources}
    for each in of_suffix(sources, "c"):
        header = each.path[:-2] + ".h"
        if each.path.startswith("src/") and header in paths:
            if [path for _, _, path in each.includes[:1]] != [header[len("src/"):]]:
                yield f"{each.path}:1: the first include has to be {header[len('src/'):]}"


@rule
def system_headers_stay_behind_their_seam(sources):
    for each in of_suffix(sources, "c", "h"):
        for line, _, path in each.includes:
            if path in SYSTEM_HEADERS and not re.match(SYSTEM_HEADERS[path], each.path):
                yield f"{each.path}:{line}: <{path}> does not belong here"


@rule
def functions_fit_a_screen(sources):
    for each in of_suffix(sources, "c", "h"):
        for function in each.functions:
            if function.line_count > FUNCTION_LINES:
                yield (f"{each.path}:{function.first_line}: {function.name} has {function.line_count} lines, "
                       f"{FUNCTION_LINES} are allowed")


@rule
def files_are_short(sources):
    for each in of_suffix(sources, "c", "h", "i", "py", "java", "go", "rb"):
        allowed = TEST_FILE_LINES if each.is_test else FILE_LINES
        if len(each.lines) > allowed:
            yield f"{each.path}:{allowed}: the file has {len(each.lines)} lines, {allowed} are allowed"


@rule
def lines_are_short(sources):
    for each in sources:
        allowed = COLUMNS.get("script" if each.text.startswith("#!") else each.suffix)
        for number, line in enumerate(each.lines if allowed else [], 1):
            if len(line) > allowed:
                yield f"{each.path}:{number}: {len(line)} columns, {allowed} are allowed"


@rule
def format_is_clang_formats(sources):
    program = clang_format()
    paths = [str(each.root / each.path) for each in of_suffix(sources, "c", "h")]
    if not paths:
        return
    style = f"--style=file:{sources[0].root / '.clang-format'}"
    command = [program, "--dry-run", style, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seen = set()
    for line in done.stderr.splitlines():
        match = re.match(r"(.+?):(\d+):\d+: (?:warning|error): ", line)
        if match and match.group(1) not in seen:
            seen.add(match.group(1))
            path = pathlib.Path(match.group(1)).relative_to(sources[0].root)
            yield f"{path}:{match.group(2)}: not formatted, run: make format"
    if done.returncode != 0 and not seen:
        yield f".clang-format:1: {done.stderr.strip()}"


def clang_format():
    """clang-format 14, whose output differs from other versions'."""
    for name in ("clang-format-14", "clang-format"):
        program = shutil.which(name)
        if program:
            asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
            if re.search(r"version 14\.", asked.stdout):
                return program
    raise Skipped("clang-format 14 is not installed")


@rule
def banned_calls_are_not_made(sources):
    for each in of_suffix(sources, "c", "h"):
        for names, allowed, advice in BANNED_CALLS:
            if re.match(allowed, each.path):
                continue
            for match in re.finditer(rf"(?<![\w.>])({names})\s*\(", each.code):
                if not is_declaration(each.code, match.start()):
                    yield f"{each.path}:{each.line_at(match.start())}: {match.group(1)} is banned: {advice}"


@rule
def locks_are_those_that_the_compiler_follows(sources):
    for each in of_suffix(sources, "c", "h"):
        if each.layer is None or re.match(r"src/base/(lock|condition)\.[ch]", each.path):
            continue
        for match in re.finditer(r"\bpthread_(?:mutex|rwlock|spin|cond)\w*|\bmtx_\w+|\bPTHREAD_MUTEX\w*", each.code):
            yield f"{each.path}:{each.line_at(match.start())}: {match.group()}: use base/lock.h and base/condition.h"


@rule
def the_library_is_silent(sources):
    for each in of_suffix(sources, "c", "h"):
        for match in PRINTS.finditer(each.code) if each.layer not in (None, "cli") else []:
            yield f"{each.path}:{each.line_at(match.start())}: {match.group()}: return a status, or use base/log.h"


def is_declaration(code, at):
    """True in `void signal(int number)`, which declares a function of that name."""
    before = code[:at].rstrip()
    word = re.search(r"(\w+)$", before)
    return bool(word) and word.group(1) not in ("return", "else", "do", "case", "sizeof")


@rule
def nothing_is_left_over(sources):
    # In halves, since this file is held to the rule as well.
    words = "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "WI" + "P", "TB" + "D"])
    phrases = "|".join(["not imple" + "mented", "for " + "now,", "rem" + "ove this"])
    marks = re.compile(rf"\b({words})\b|\b(?i:{phrases})")
    for each in sources:
        if is_prose_or_code(each):
            for match in marks.finditer(each.text):
                yield f"{each.path}:{each.line_at(match.start())}: left over: {match.group()}"


@rule
def no_path_belongs_to_one_machine(sources):
    # A path in a folder where people or machines keep their own things; in links such a folder follows a host.
    folders = "|".join(["home", "root", "Users", "work", "workspace", "mnt", "srv", "tmp"])
    paths = re.compile(rf"(?<![\w.\-/$}})*\]])/({folders})/\w[^\s\"'`]*")
    for each in sources:
        if is_prose_or_code(each):
            for match in paths.finditer(each.text):
                yield f"{each.path}:{each.line_at(match.start())}: a path of one machine: {match.group()}"


def is_prose_or_code(each):
    return b"\0" not in each.bytes and each.suffix not in ("hex", "bin") and each.name != "LICENSE"


@rule
def the_top_level_is_known(sources):
    for each in sources:
        if each.path.split("/")[0] not in TOP_LEVEL:
            yield f"{each.path}:1: not what belongs at the top level"


@rule
def text_is_clean(sources):
    for each in sources:
        if not is_prose_or_code(each) or not each.bytes:
            continue
        if not each.bytes.endswith(b"\n") or each.bytes.endswith(b"\n\n"):
            yield f"{each.path}:{len(each.lines)}: the file has to end with one end of line"
        for number, line in enumerate(each.lines, 1):
            if line != line.rstrip():
                yield f"{each.path}:{number}: blanks at the end of the line"
            if "\t" in line and each.suffix in ("c", "h", "py", "java", "cmake", "md"):
                yield f"{each.path}:{number}: a tab"
            if each.suffix in ("c", "h") and not line.isascii():
                yield f"{each.path}:{number}: only ASCII in C sources"


@rule
def sources_have_header_and_test(sources):
    """noun.c has noun.h and noun_test.c. noun_part.c without a header of its own is a part of noun.

    The parts of the command have their tests in a folder of their own; abi/ has one header and tests/abi.
    """
    paths = {each.path for each in sources}
    nouns = {}
    for each in of_suffix(sources, "c"):
        if each.layer in (None, "abi"):
            continue
        noun = noun_of(each, paths)
        if noun is None:
            yield f"{each.path}:1: has no header {each.stem}.h"
        test = f"tests/unit/{'cli/' if each.layer == 'cli' else ''}{noun or each.stem}_test.c"
        if test not in paths:
            yield f"{each.path}:1: has no test {test}"
        if nouns.setdefault(each.stem, each.path) != each.path:
            yield f"{each.path}:1: {nouns[each.stem]} has the same noun"


def noun_of(each, paths):
    """The longest beginning of the source's name that a header of its layer has, by words; None if there is none."""
    words = each.stem.split("_")
    names = ("_".join(words[:count]) for count in range(len(words), 0, -1))
    return next((name for name in names if f"src/{each.layer}/{name}.h" in paths), None)


@rule
def headers_guard_against_a_second_time(sources):
    for each in of_suffix(sources, "h"):
        named = re.sub(r"^(src/|tests/|abi/(?=sendoff/))", "", each.path)
        guard = re.sub(r"\W", "_", named).upper()
        code = [line for line in each.code.split("\n") if line.strip()]
        if code[:2] != [f"#ifndef {guard}", f"#define {guard}"]:
            yield f"{each.path}:1: has to begin with #ifndef {guard} and its #define"


@rule
def structs_are_explained(sources):
    """A comment stands right above the struct or the group that it is in.

    The comment that begins a header explains its first struct, and the one that is named as the header. The
    headers of protocol/ hold Kafka's messages: the layout at their head explains all of them.
    """
    for each in of_suffix(sources, "h"):
        if each.layer in (None, "protocol"):
            continue
        first = True
        for number, line in enumerate(each.lines, 1):
            match = re.match(r"(?:typedef )?(?:struct|union) (\w+) \{", line)
            named = match and match.group(1) in (each.stem, f"sendoff_{each.stem}")
            if match and not is_explained(each, number - 2, first or named):
                yield f"{each.path}:{number}: struct {match.group(1)} has no comment"
            first = first and not match


def is_explained(each, index, by_head):
    """True if the text that ends at line `index` is a comment, or a struct of a group that has one."""
    above = [each.lines[position] for position in range(index, -1, -1)]
    if above and above[0].rstrip().endswith("*/"):
        return True
    if above and above[0].startswith("}"):
        begin = next(position for position in range(index, -1, -1) if each.lines[position].endswith("{"))
        return is_explained(each, begin - 1, False)
    return by_head and each.text.startswith("/*")


@rule
def shell_scripts_are_sound(sources):
    scripts = [each for each in sources if re.match(r"#!.*\b(ba)?sh\b|# shellcheck shell=", each.text)]
    for each in scripts:
        if "bash" in each.lines[0] and each.text.startswith("#!") and "set -euo pipefail" not in each.text:
            yield f"{each.path}:1: bash scripts begin with set -euo pipefail"
    program = shutil.which("shellcheck")
    if program is None:
        raise Skipped("shellcheck is not installed")
    if scripts:
        paths = [each.path for each in scripts]
        command = [program, "--format=gcc", "--external-sources", *paths]
        yield from subprocess.run(command, capture_output=True, text=True, check=False,
                                  cwd=scripts[0].root).stdout.splitlines()


@rule
def programs_can_be_started(sources):
    for each in sources:
        if each.text.startswith("#!") and not (each.root / each.path).stat().st_mode & 0o100:
            yield f"{each.path}:1: begins with #! but is not executable"


def run(root, exceptions=None):
    """{name of rule: list of findings, or the reason why it was skipped}. An exception that is not needed is one."""
    sources = source.sources_of(pathlib.Path(root).resolve())
    exceptions, needed = exceptions or {}, set()
    results = {}
    for each in RULES:
        name = each.__name__
        try:
            findings = [(finding, (name, finding.split(":")[0])) for finding in each(sources)]
        except Skipped as reason:
            results[name] = str(reason)
            continue
        needed.update(key for _, key in findings)
        results[name] = [finding for finding, key in findings if key not in exceptions]
    results["exceptions_are_needed"] = [
        f"{path}:1: keeps the rule {name}: take out its exception" for name, path in exceptions.keys() - needed]
    return results


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    passed = failed = 0
    for name, findings in run(arguments[0], EXCEPTIONS).items():
        if isinstance(findings, str):
            print(f"skipped {name}: {findings}")
            continue
        print(f"{'FAILED ' if findings else 'ok     '} {name.replace('_', ' ')}")
        for finding in findings:
            print(f"        {finding}")
        passed, failed = passed + (not findings), failed + bool(findings)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
