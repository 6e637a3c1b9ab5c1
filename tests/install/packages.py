"""The .deb files: made from the sources, an older release made of them, and what dpkg-shlibdeps says about programs."""
import email.utils
import gzip
import os
import pathlib
import re
import shutil

from checks import ROOT, expect
from consumers import SOURCES, output

PACKAGES = ROOT / "build" / "packages"
NAMES = ("libsendoff1", "libsendoff-dev", "sendoff-tools")
OLD_VERSION = "1.0.0"


def version() -> str:
    return re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def build(kind: str) -> list:
    """The files that `scripts/packages KIND` makes."""
    return [ROOT / line for line in output(ROOT / "scripts" / "packages", kind, timeout_seconds=600).splitlines()
            if line.startswith("build/packages/")]


def unpack(package: pathlib.Path, place: pathlib.Path) -> pathlib.Path:
    tree = place / package.name.split("_")[0]
    place.mkdir(parents=True, exist_ok=True)
    output("dpkg-deb", "--raw-extract", package, tree)
    return tree


def commit_date() -> str:
    """When what is packed was committed, as changelogs of packages write dates."""
    return email.utils.formatdate(int(output("git", "-C", ROOT, "log", "-1", "--format=%ct"))).replace("-0000", "+0000")


def expect_dates(packages: list, dates: set, place: pathlib.Path) -> None:
    """That changelogs have the commit's date, not that of the build: in packages of two architectures, which dpkg
    installs side by side, they have to be the same."""
    for package in packages:
        changelog = next(unpack(package, place).rglob("changelog.gz"))
        told = gzip.decompress(changelog.read_bytes()).decode().rstrip().rpartition(">  ")[2]
        expect(told in dates, f"{package.name}: {told!r} instead of {sorted(dates)}")
    shutil.rmtree(place)


def make_older(packages: list, place: pathlib.Path) -> list:
    """The same packages as they would be of release 1.0: an older version, and a library that has the symbols of that
    release alone, linked from today's static library."""
    made = []
    for package in packages:
        tree = unpack(package, place)
        control = tree / "DEBIAN" / "control"
        own_version = rf"(^Version: |libsendoff1 \([>=]+ ){re.escape(version())}"
        control.write_text(re.sub(own_version, rf"\g<1>{OLD_VERSION}", control.read_text(), flags=re.MULTILINE))
        for description in tree.rglob("sendoff*.cmake"):
            description.write_text(description.read_text().replace(version(), OLD_VERSION))
        made.append(tree)
    archive = next(place.rglob("libsendoff.a"))
    library = next(place.rglob(f"libsendoff.so.{version()}"))
    library.unlink()
    link_older(archive, library.with_name(f"libsendoff.so.{OLD_VERSION}"))
    link = library.with_name("libsendoff.so.1")
    link.unlink()
    link.symlink_to(f"libsendoff.so.{OLD_VERSION}")
    symbols = place / "libsendoff1" / "DEBIAN" / "symbols"
    lines = symbols.read_text().splitlines(True)
    symbols.write_text("".join(line for line in lines if "@SENDOFF_" not in line or "@SENDOFF_1.0 " in line))
    for tree in made:
        output("dpkg-deb", "--root-owner-group", "--build", tree, place / f"{tree.name}_{OLD_VERSION}.deb")
    return sorted(place.glob("*.deb"))


def link_older(archive: pathlib.Path, library: pathlib.Path) -> None:
    needed = output("pkg-config", "--static", "--libs", "libzstd", "liblz4", "libdeflate", "libssl").split()
    symbol_map = ROOT / "abi" / "baseline" / "1.0" / "sendoff.map"
    output(os.environ.get("CC", "cc"), "-shared", "-o", library, "-Wl,-soname,libsendoff.so.1", "-Wl,-z,nodelete",
           f"-Wl,--version-script={symbol_map}", "-Wl,--whole-archive", archive, "-Wl,--no-whole-archive", *needed,
           "-Wl,--as-needed", "-lsnappy", "-lisal", "-pthread", "-lm")
    exported = output("nm", "-D", "--defined-only", library)
    expect("sendoff_send@@SENDOFF_1.0" in exported and "SENDOFF_1.1" not in exported, "the older library is not older")


def expect_symbols(library_package: pathlib.Path, place: pathlib.Path) -> None:
    """That the package tells dpkg-shlibdeps of each symbol that the library has, and under which version node."""
    tree = unpack(library_package, place)
    lines = output("nm", "-D", "--defined-only", next(tree.rglob("libsendoff.so.1"))).splitlines()
    exported = {line.split()[-1].replace("@@", "@") for line in lines}
    told = (tree / "DEBIAN" / "symbols").read_text()
    versioned = dict(re.findall(r"^ (\w[\w.]*@\S+) (\S+)$", told, re.MULTILINE))
    functions = {name for name in versioned if name.startswith("sendoff_")}
    expect(functions == {name for name in exported if name.startswith("sendoff_")},
           f"differ: {sorted(functions ^ exported)[:9]}")
    wrong = [name for name, since in versioned.items() if name.split("@SENDOFF_")[1] != since]
    expect(not wrong and "SENDOFF_1.0@SENDOFF_1.0" in versioned, f"another version than their node's: {wrong}")


def field(package: pathlib.Path, name: str) -> list:
    """What a package depends on, suggests, ...: names without versions, the first of each alternative."""
    told = output("dpkg-deb", "--field", package, name)
    return re.findall(r"(?:^|, )([\w.+-]+)", told)


def dependency_of(source: str, library_package: pathlib.Path, place: pathlib.Path) -> str:
    """What dpkg-shlibdeps says that a package with this program depends on of ours."""
    tree = unpack(library_package, place)
    library = next(tree.rglob("libsendoff.so.1"))
    program = place / "program"
    output(os.environ.get("CC", "cc"), f"-I{ROOT / 'abi'}", SOURCES / source, library, "-Wl,--allow-shlib-undefined",
           "-o", program)
    debian = place / "debian"
    debian.mkdir()
    (debian / "control").write_text("Source: program\n\nPackage: program\nArchitecture: any\n")
    told = output("dpkg-shlibdeps", f"-S{tree}", "-O", program, cwd=place)
    shutil.rmtree(place)
    return ", ".join(re.findall(r"libsendoff1[^,\n]*", told))
