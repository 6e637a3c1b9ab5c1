#!/usr/bin/env python3
"""usage: tests/architectures/sysroot.py ARCHITECTURE      (as Debian names it: arm64, s390x)

Unpacks what Sendoff and its unit tests need of that architecture's packages to build/sysroots/ARCHITECTURE. Does
nothing if it is there as it should be."""
import os
import pathlib
import shutil
import sys

import foreign_packages

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ["libc6-dev", "libzstd-dev", "liblz4-dev", "libsnappy-dev", "libdeflate-dev", "libisal-dev", "libssl-dev",
            "check"]


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        make(sys.argv[1])
    except foreign_packages.Failed as failure:
        sys.exit(f"sysroot: {failure}")


def make(architecture: str) -> None:
    target = ROOT / "build" / "sysroots" / architecture
    stamp, content = target / ".packages", " ".join(PACKAGES)
    if stamp.exists() and stamp.read_text() == content:
        return
    work = target.with_name(f"{architecture}.work")
    for folder in (target, work):
        shutil.rmtree(folder, ignore_errors=True)
    for package in foreign_packages.Apt(work / "apt", architecture).download(PACKAGES):
        foreign_packages.run(["dpkg", "-x", package, work / "root"], work)
    make_links_relative(work / "root")
    (work / "root" / stamp.name).write_text(content)
    (work / "root").rename(target)
    shutil.rmtree(work)


def make_links_relative(root: pathlib.Path) -> None:
    """Else they lead to the machine's own files."""
    for folder, folders, files in os.walk(root):
        for path in (pathlib.Path(folder, name) for name in folders + files):
            if path.is_symlink() and os.path.isabs(os.readlink(path)):
                inside = root / os.readlink(path).lstrip("/")
                path.unlink()
                path.symlink_to(os.path.relpath(inside, folder))


if __name__ == "__main__":
    main()
