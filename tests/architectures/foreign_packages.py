"""Packages of another architecture, or sources, from where the machine gets its own: fetched by an apt with state of
its own, so that the machine's packages and list of architectures stay as they are."""
import pathlib
import re
import subprocess

DISTRIBUTIONS = ("Debian", "Ubuntu")
KEYRINGS = {name: pathlib.Path(f"/usr/share/keyrings/{name.lower()}-archive-keyring.gpg") for name in DISTRIBUTIONS}
# Ubuntu keeps all but these two on another server.
UBUNTU_MAIN = ("amd64", "i386")
UBUNTU_SERVERS = re.compile(r"^(https?://)([\w.-]*\.)?(archive|security)\.ubuntu\.com/ubuntu\b")

CONFIGURATION = """
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Dir::State "{place}/state";
Dir::State::status "{place}/status";
Dir::Cache "{place}/cache";
Dir::Etc::sourcelist "{place}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
#clear Acquire::IndexTargets::deb::DEP-11;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
"""


class Failed(Exception):
    """What to say, the last lines of the command's output among it."""


class Apt:
    """An apt for one architecture's packages ("deb"), or for sources ("deb-src"), with all its files in one folder."""

    def __init__(self, place: pathlib.Path, architecture: str, kind: str = "deb") -> None:
        self.place = place
        for folder in ("state/lists/partial", "cache/archives/partial"):
            (place / folder).mkdir(parents=True, exist_ok=True)
        (place / "status").write_text("")
        (place / "apt.conf").write_text(CONFIGURATION.format(place=place, architecture=architecture))
        (place / "sources.list").write_text(sources(architecture, kind))
        self.run("update")

    def download(self, packages: list) -> list:
        """Those packages and all that they depend on, as files."""
        self.run("install", "--yes", "--download-only", *packages)
        return sorted((self.place / "cache" / "archives").glob("*.deb"))

    def download_source(self, package: str) -> pathlib.Path:
        """The upstream sources, packed."""
        self.run("source", "--download-only", package)
        return next(path for path in self.place.glob(f"{package}_*.orig.tar.*") if path.suffix != ".asc")

    def run(self, *arguments: str) -> None:
        run(["apt-get", "--quiet", "--config-file", self.place / "apt.conf", *arguments], self.place)


def run(command: list, place: pathlib.Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=place, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-20:])
        raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{last}")
    return done.stdout


def sources(architecture: str, kind: str) -> str:
    """A sources.list of the distribution's own archives among those that the machine uses."""
    listing = run(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)",
                   "Created-By: Packages"], pathlib.Path("/"))
    wanted = {tuple(line.split("|")) for line in listing.splitlines() if line.split("|")[0] in DISTRIBUTIONS}
    if not wanted:
        raise Failed("apt has no lists of Debian's or Ubuntu's archives; `apt-get update` fetches them")
    lines = []
    for origin, uri, suite, component in sorted(wanted):
        if origin == "Ubuntu" and architecture not in UBUNTU_MAIN:
            uri = UBUNTU_SERVERS.sub(r"\1ports.ubuntu.com/ubuntu-ports", uri)
        options = f"[signed-by={KEYRINGS[origin]}] " if KEYRINGS[origin].exists() else ""
        lines.append(f"{kind} {options}{uri} {suite} {component}")
    return "\n".join(lines) + "\n"
