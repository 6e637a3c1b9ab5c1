"""Check, built for musl from Debian's source package: build/sysroots/musl."""
import pathlib
import shutil
import subprocess

import foreign_packages

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = "1"  # of how it is built


def make_check() -> None:
    """Does nothing if it is there."""
    target = ROOT / "build" / "sysroots" / "musl"
    stamp = target / ".built"
    if stamp.exists() and stamp.read_text() == VERSION:
        return
    work = target.with_name("musl.work")
    for folder in (target, work):
        shutil.rmtree(folder, ignore_errors=True)
    architecture = subprocess.run(["dpkg", "--print-architecture"], text=True, check=True, stdout=subprocess.PIPE)
    apt = foreign_packages.Apt(work / "apt", architecture.stdout.strip(), "deb-src")
    foreign_packages.run(["tar", "-xf", apt.download_source("check"), "--one-top-level=check",
                          "--strip-components=1"], work)
    foreign_packages.run(["cmake", "-S", "check", "-B", "build", "-G", "Ninja", "-DCMAKE_C_COMPILER=musl-gcc",
                          "-DCMAKE_BUILD_TYPE=Release", "-DCHECK_ENABLE_TESTS=OFF", "-DCHECK_ENABLE_SUBUNIT=OFF",
                          "-DCMAKE_INSTALL_LIBDIR=lib", f"-DCMAKE_INSTALL_PREFIX={target}"], work)
    foreign_packages.run(["cmake", "--build", "build", "--target", "install"], work)
    for shared in target.glob("lib/libcheck.so*"):  # tests are linked statically
        shared.unlink()
    stamp.write_text(VERSION)
    shutil.rmtree(work)
