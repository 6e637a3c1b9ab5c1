#!/usr/bin/env python3
"""exports_test.py LIBRARY MAP HEADER: the library exports what the symbol map lists and the header declares, under
the map's version, and nothing else; and it bears the name that the ABI promises."""
import re
import subprocess
import sys


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def versions_of(text: str) -> dict:
    """{symbol: version node} of a symbol map."""
    versions = {}
    for node, body in re.findall(r"(\w[\w.]*)\s*\{(.*?)\}", text, re.DOTALL):
        names = body.split("global:")[1].split("local:")[0]
        versions.update({name: node for name in re.findall(r"\w+", names)})
    return versions


def main() -> None:
    library, map_path, header_path = sys.argv[1:]
    with open(map_path, encoding="ascii") as source:
        mapped = versions_of(source.read())
    with open(header_path, encoding="ascii") as source:
        declared = set(re.findall(r"^SENDOFF_API [^;(]*?\b(sendoff_\w+)\(", source.read(), re.MULTILINE))
    exported = {}
    for line in output_of("nm", "-D", "--defined-only", library).splitlines():
        kind, symbol = line.split()[-2:]
        if kind != "A":  # the version nodes themselves
            name, _, version = symbol.partition("@")
            exported[name] = version.strip("@")
    found = {"declared, not in the map": declared - set(mapped), "in the map, not declared": set(mapped) - declared,
             "in the map, not exported": set(mapped) - set(exported), "exported, not in the map":
             set(exported) - set(mapped), "under another version": {name for name in set(mapped) & set(exported)
                                                                    if mapped[name] != exported[name]}}
    if "SONAME" not in (dynamic := output_of("readelf", "-d", library)) or "[libsendoff.so.1]" not in dynamic:
        found["without its name"] = {"libsendoff.so.1"}
    for what, names in found.items():
        for name in sorted(names):
            print(f"{what}: {name}")
    good = bool(declared) and not any(found.values())
    print("1 passed, 0 failed" if good else "0 passed, 1 failed")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
