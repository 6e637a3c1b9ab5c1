#!/usr/bin/env python3
"""locks_test.py COMPILE_COMMANDS: leaves out each statement that gives a lock back or takes it, one at a time, in
every source of the library, and puts in some that have no right to be there, and compiles that as the build does: it
must not build. Needs a build by clang."""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLS = re.compile(r"^ +(?:lock_acquire|lock_release|\w+_guard_acquire|\w+_guard_release|broker_model_lock_acquire"
                   r"|broker_model_lock_release|gate_enter|gate_leave|handle_slot_lock|handle_unlock"
                   r"|producer_unlock|producer_leave|process_lock_enter|process_lock_leave)\([^;]*\);", re.MULTILINE)

# Functions of which clang is told what they do to locks, instead of looking.
TOLD = {
    "src/producer/handle.c": ("handle_lock", "handle_unlock"),
    "src/producer/shutdown.c": ("leave_partitioner",),
    "src/base/secret.c": ("secret_before_fork", "secret_after_fork"),
}

# What is put behind a line: a field without its lock, and calls with a lock that they exclude or take themselves.
PUT_IN = [
    ("src/producer/producer.c", "  producer->callbacks = *callbacks;\n", "producer->users++;"),
    ("src/producer/producer.c", "  handle_slot_lock(slot);\n", "handle_release(slot);"),
    ("src/producer/producer.c", "  handle_slot_lock(slot);\n", "handle_slot_lock(slot);"),
    ("src/producer/producer.c", "  handle_slot_lock(slot);\n", "security_end_loading(producer->security);"),
    ("src/security/token_source.c", "  source->thread_started = false;\n", "source->wakes++;"),
    ("src/sender/cluster.c", "  gate_enter(cluster->gate);\n", "gate_enter(cluster->gate);"),
    ("src/producer/event_queue.c", "  event_queue_guard_acquire(queue);\n", "event_queue_wake(queue);"),
]


def commands_of(path):
    """{source: how the build compiles it}, of the library and the command."""
    commands = {}
    for each in json.loads(pathlib.Path(path).read_text(encoding="utf-8")):
        source = pathlib.Path(each["file"]).resolve()
        name = source.relative_to(ROOT).as_posix() if source.is_relative_to(ROOT) else ""
        if name.startswith(("src/", "abi/")):
            commands.setdefault(name, (shlex.split(each["command"]), each["directory"]))
    return commands


def compiles(command, directory, source):
    """None if it does, or what clang said."""
    words = [word for word in command if word not in ("-c", "-MD") and not word.endswith("ccache")]
    for option in ("-o", "-MT", "-MF"):
        if option in words:
            at = words.index(option)
            del words[at:at + 2]
    words = [word for word in words if not word.endswith(".c")]
    done = subprocess.run([*words, "-fsyntax-only", "-x", "c", "-"], input=source, capture_output=True, text=True,
                          check=False, cwd=directory)
    return None if done.returncode == 0 else done.stderr


def function_at(text, position):
    """The name of the function around it: the last one that began in the first column."""
    heads = list(re.finditer(r"^[a-z][^;={}#]*?\b(\w+)\([^;{}]*\) (?:NO_THREAD_SAFETY_ANALYSIS )?\{$", text[:position],
                             re.MULTILINE))
    return heads[-1].group(1) if heads else ""


def plants_of(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for match in CALLS.finditer(text):
        function = function_at(text, match.start())
        if function not in TOLD.get(name, ()):
            line = text.count("\n", 0, match.start()) + 1
            blank = re.sub(r"\S.*", ";", match.group(), flags=re.DOTALL)
            yield f"{name}:{line}: {match.group().strip()}", text[:match.start()] + blank + text[match.end():]


def put_in(name, behind, statement):
    text = (ROOT / name).read_text(encoding="utf-8")
    before, found, after = text.partition(behind)
    if not found:
        sys.exit(f"{name} has no line {behind!r}")
    return before + found + statement + "\n" + after


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    commands = commands_of(arguments[0])
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        asked = []
        for name, (command, directory) in sorted(commands.items()):
            plants = list(plants_of(name))
            if plants:
                whole = (ROOT / name).read_text(encoding="utf-8")
                asked.append((f"{name} as it is", True, pool.submit(compiles, command, directory, whole)))
            for what, source in plants:
                asked.append((f"{what} left out", False, pool.submit(compiles, command, directory, source)))
        for name, behind, statement in PUT_IN:
            command, directory = commands[name]
            planted = put_in(name, behind, statement)
            asked.append((f"{name}: {statement}", False, pool.submit(compiles, command, directory, planted)))
        for what, wanted, future in asked:
            said = future.result()
            good = said is None if wanted else said is not None and "thread-safety" in said
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(f"FAILED  {what}: {said or 'compiles'}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or passed < 50 else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
