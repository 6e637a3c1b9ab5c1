"""A system that has nothing but what a test installs: mmdebstrap makes it from this machine's own apt sources, runs a
program in its mount namespace, and throws it away."""
import os
import pathlib
import re
import subprocess

import processes
from checks import expect

# Compilers and what they need, from the beginning: what is compared is what our packages do to the system.
TOOLS = ("gcc", "libc6-dev", "pkg-config", "cmake", "make")
# What nobody reads there; ours is let in, since it is compared and counted.
LEFT_OUT = ("path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/doc/*",
            "path-exclude=/usr/share/cmake-*/Help/*", "path-include=/usr/share/*sendoff*", "force-unsafe-io")
FORWARDED = ("Acquire::Check-Valid-Until", "Acquire::Check-Date", "Acquire::http::Proxy", "Acquire::https::Proxy")


def mode() -> str:
    """How mmdebstrap can make a root here: as root, or in a user namespace. Fails if it cannot."""
    if os.geteuid() == 0:
        return "root"
    probe = processes.run(["unshare", "--user", "--map-auto", "true"])
    expect(probe.returncode == 0, "the clean root needs root, or a user namespace with ids of /etc/subuid and "
                                  f"newuidmap: {probe.stderr.strip()}")
    return "unshare"


def suite() -> str:
    """This machine's release, as its apt sources call it."""
    text = pathlib.Path("/etc/os-release").read_text()
    found = re.search(r"^VERSION_CODENAME=\"?([a-z]+)", text, re.MULTILINE)
    expect(found, "/etc/os-release names no release: this is no Debian, and there are no packages to test")
    return found.group(1)


def sources() -> list:
    """The distribution's own, without what else this machine has."""
    etc = pathlib.Path("/etc/apt")
    own = [etc / "sources.list", *(etc / "sources.list.d" / f"{name}.sources" for name in ("debian", "ubuntu"))]
    found = [path for path in own if path.exists() and re.search(r"^(deb\s|URIs:)", path.read_text(), re.MULTILINE)]
    expect(found, "apt has no sources of the distribution")
    return found


def start(program: list, output) -> subprocess.Popen:
    """Starts making a root. PROGRAM ROOT runs when it stands, outside of it but as its root; what it prints goes to
    output."""
    settings = processes.run(["apt-config", "dump", "--format", '%F "%v";%n', *FORWARDED]).stdout.splitlines()
    words = " ".join(f"'{part}'" for part in program)
    command = ["mmdebstrap", f"--mode={mode()}", "--variant=minbase", "--format=null", "--quiet",
               f"--include={','.join(TOOLS)}", *(f"--dpkgopt={option}" for option in LEFT_OUT),
               '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
               *(f"--aptopt={line}" for line in settings if '""' not in line),
               f'--customize-hook={words} "$1"', suite(), "/dev/null", *sources()]
    return processes.start(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
