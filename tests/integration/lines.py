"""The text that the tests send. Line number id (from 0) of an input is

    run=RRRRRRRR key=user-KKKKK n=COUNTER id=ID WORDS crc=CCCCCCCC

where n counts the lines of that key, and crc is CRC-32 of what stands before " crc=". The same run number gives the
same text. Verifier.java and kill_sender.c read this form."""
import fcntl
import pathlib
import random
import zlib

import checks

KEYS = 5000
WORDS = ("amber basin cedar delta ember fjord grove heron inlet jetty kelp ledge mango north ocean petal quartz reef "
         "spruce tidal umbra vale willow xenon yarrow zephyr").split()


def make_input(lines: int, run: int) -> pathlib.Path:
    """The file of that run; made once and kept in the build folder."""
    folder = checks.SCRATCH
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"lines-{run}-{lines}.txt"
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            partial = path.with_suffix(".partial")
            with open(partial, "wb") as output:
                write_lines(output, lines, run)
            partial.rename(path)
    return path


def write_lines(output, lines: int, run: int) -> None:
    source = random.Random(run)
    sentences = [" ".join(source.choices(WORDS, k=source.randint(1, 16))) for _ in range(4096)]
    counters = [0] * KEYS
    for line_id in range(lines):
        bits = source.getrandbits(44)
        key = (bits >> 12) % KEYS
        text = f"run={run:08x} key=user-{key:05d} n={counters[key]} id={line_id} {sentences[bits & 4095]}"
        counters[key] += 1
        data = text.encode()
        output.write(b"%s crc=%08x\n" % (data, zlib.crc32(data)))
