"""Sendoff from Go, Java and Ruby, each beside what its users would use otherwise: franz-go, Kafka's own Java producer,
and, for Ruby, a loop that does the least that a delivery handle takes."""
import pathlib
import statistics

from programs import run_to_end

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGES = ROOT / "build" / "bindings"
CELL = "100 B, none"
SETTINGS = ("linger.ms=5", "acks=all", "buffer.memory=67108864")
# What it is beside, and how much of that it may spend. A loop is measured by the program itself.
BESIDE = {"sendoff in go": ("franz-go", 0.6), "sendoff in java": ("kafka-clients", 0.6),
          "sendoff in ruby": (None, 3.0)}
LOOP = "a loop: make an object, store it in a Hash, remove it"


def builders(folder: pathlib.Path) -> dict:
    """{client: function that builds it and gives the function that tells its command}"""
    return {"sendoff in go": lambda: build_go(folder), "sendoff in java": lambda: build_java(folder),
            "sendoff in ruby": build_ruby}


def build_go(folder: pathlib.Path):
    run_to_end([ROOT / "scripts" / "go", "build", "-o", folder / "sendoff_go", "."], cwd=HERE / "bindings" / "go")
    return command_of([folder / "sendoff_go"])


def build_java(folder: pathlib.Path):
    jar = next((PACKAGES / "java").glob("sendoff-[0-9]*[0-9].jar"), None)
    if jar is None:
        raise RuntimeError("the jar is not built: make bindings")
    classes = folder / "sendoff_java"
    source = HERE / "bindings" / "java" / "Throughput.java"
    run_to_end(["javac", "-proc:none", "-cp", jar, "-d", classes, source])
    return command_of(["java", "-Xmx1g", "-cp", f"{classes}:{jar}", "Throughput"])


def build_ruby():
    gem = next((PACKAGES / "ruby").glob("sendoff-*-linux.gem"), None)
    if gem is None:
        raise RuntimeError("the gem is not built: make bindings")
    place = PACKAGES / "ruby" / "bench"
    run_to_end(["gem", "install", "--local", "--no-document", "--force", "--install-dir", place, gem])
    library = next((place / "gems").glob("sendoff-*")) / "lib"
    return command_of(["ruby", "-I", library, HERE / "bindings" / "ruby" / "throughput.rb"])


def command_of(program: list):
    def command(bootstrap: str, records: int, size: int, codec: str, _certificate: pathlib.Path | None):
        if (size, codec) != (100, "none"):
            return None
        return [*program, bootstrap, "bench", records, size, *SETTINGS]
    return command


def table(cells: dict) -> str:
    lines = ["| 100 B, none, from the language's send to its delivery | CPU ns a record | beside | CPU ns | ratio |",
             "|---|--:|---|--:|--:|"]
    for client, rounds in of_languages(cells):
        beside, cost, _ = neighbour(client, rounds, cells)
        own = median(rounds, "cpu_ns_per_record")
        columns = [f"{client[len('sendoff in '):].title()}: {rounds[0]['client']}", f"{own:,.0f}", beside]
        columns += [f"{cost:,.0f}", f"{own / cost:.2f}"] if cost else ["", ""]
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def verdict(cells: dict) -> bool:
    """Prints and returns whether each language that was measured keeps its limit."""
    good = True
    for client, rounds in of_languages(cells):
        beside, cost, limit = neighbour(client, rounds, cells)
        if cost is None:
            continue
        share = median(rounds, "cpu_ns_per_record") / cost
        met = share <= limit
        good &= met
        print(f"{'ok    ' if met else 'FAILED'}  {client}: spends {share:.2f} of {beside}; at most {limit} is wanted")
    return good


def of_languages(cells: dict) -> list:
    return [(client, rounds) for client, rounds in cells.items() if client in BESIDE]


def neighbour(client: str, rounds: list, cells: dict) -> tuple:
    """What it stands beside: name, CPU ns a record (None: not measured), limit of the ratio."""
    peer, limit = BESIDE[client]
    if peer is None:
        return LOOP, median(rounds, "loop_ns_per_record"), limit
    if peer not in cells:
        return peer, None, limit
    return cells[peer][0].get("client", peer), median(cells[peer], "cpu_ns_per_record"), limit


def median(rounds: list, key: str) -> float:
    return statistics.median(result[key] for result in rounds)
