#!/usr/bin/env python3
"""What cmake says where OpenSSL is missing or too old, and that a build without TLS does not look for it. usage:
configure_test.py"""
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from checks import Checks, expect  # noqa: E402
import processes  # noqa: E402

NO_OPENSSL = "-DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON"
ADVICE = "or build without TLS and logins: -DSENDOFF_WITH_TLS=OFF"


def configure(folder: pathlib.Path, *settings):
    """The exit status, and what went wrong in one line."""
    done = processes.run(["cmake", "-S", ROOT, "-B", folder, "-DSENDOFF_TESTS=OFF", "-DCMAKE_BUILD_TYPE=Release",
                          *settings])
    return done.returncode, " ".join(done.stderr.split())


def older_openssl(place: pathlib.Path) -> pathlib.Path:
    """What CMake takes for OpenSSL 1.1.1."""
    headers, libraries = place / "include" / "openssl", place / "lib"
    headers.mkdir(parents=True)
    libraries.mkdir()
    (headers / "ssl.h").touch()
    (headers / "opensslv.h").write_text('#define OPENSSL_VERSION_NUMBER 0x1010117fL\n'
                                        '#define OPENSSL_VERSION_TEXT "OpenSSL 1.1.1w  11 Sep 2023"\n')
    for name in ("ssl", "crypto"):
        (libraries / f"lib{name}.so").touch()
    return place


def main() -> None:
    suite = Checks()
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        with suite.check("without OpenSSL a build is refused, with what to do"):
            status, told = configure(place / "missing", NO_OPENSSL)
            expect(status != 0 and "OpenSSL is not installed" in told and "libssl-dev" in told and ADVICE in told, told)
        with suite.check("an OpenSSL that is too old is refused by its version"):
            status, told = configure(place / "old", f"-DOPENSSL_ROOT_DIR={older_openssl(place / 'openssl')}")
            expect(status != 0 and "OpenSSL is 1.1.1w here" in told and ADVICE in told, told)
        with suite.check("a build without TLS needs no OpenSSL, and has one source in the place of the layer"):
            status, told = configure(place / "without", NO_OPENSSL, "-DSENDOFF_WITH_TLS=OFF")
            expect(status == 0, told)
            commands = (place / "without" / "compile_commands.json").read_text()
            found = re.findall(r'"file": ".*/src/(security/.*)"', commands)
            expect(found == ["security/unavailable/unavailable.c"], f"it compiles {found}")
    suite.finish()


if __name__ == "__main__":
    main()
