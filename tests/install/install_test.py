#!/usr/bin/env python3
"""Installs a build, and uses it as somebody who only read the README does. usage: install_test.py BUILD_FOLDER"""
import os
import pathlib
import re
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "integration"), str(ROOT / "abi" / "compatibility")]
from checks import Checks, expect  # noqa: E402
import consumers  # noqa: E402
import header  # noqa: E402
import processes  # noqa: E402

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wno-unused-parameter", "-Werror"]


def run(*command, **options):
    done = processes.run(list(command), **options)
    expect(done.returncode == 0, f"{command[0]} ends with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def readme_example():
    blocks = re.findall(r"^```c\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    expect(len(blocks) == 1, f"README.md has {len(blocks)} examples in C, not one")
    return blocks[0]


def broker_address(output):
    found = re.search(r"127\.0\.0\.1:[1-9]\d*", output.read_text())
    return found and found.group()


def wanted_names(major, version):
    """What is installed: the library with both links, what programs are built with, the command, and documents."""
    names = [f"libsendoff.so.{version}", f"libsendoff.so.{major}", "libsendoff.so", "libsendoff.a", "sendoff.h",
             "sendoff.pc", "sendoff-config.cmake", "sendoff-config-version.cmake", "sendoff"]
    names += [path.name for path in (ROOT / "man").glob("*.[13]")]
    parsed = header.parse(ROOT / "abi" / "sendoff" / "sendoff.h")
    names += [f"{name}.3" for name in (*parsed.functions, *parsed.structs)] + ["sendoff.properties.5"]
    names += [path.name.removesuffix(".bash") for path in (ROOT / "completions").glob("*sendoff*")]
    return sorted(names)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    work = pathlib.Path(tempfile.mkdtemp(prefix="sendoff-install-"))
    prefix = work / "prefix"
    checks = Checks()
    try:
        major, rest = re.search(r"VERSION (\d+)\.(\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text()).groups()
        version = f"{major}.{rest}"
        with checks.check("everything is installed, and nothing else"):
            run("cmake", "--install", str(build), "--prefix", str(prefix))
            names = sorted(path.name for path in prefix.rglob("*") if not path.is_dir())
            wanted = wanted_names(major, version)
            expect(names == wanted, f"{names} instead of {wanted}")

        library_folder = next(prefix.rglob("libsendoff.so")).parent
        with checks.check("the links of the library lead to its versioned file"):
            links = {name: os.readlink(library_folder / name) for name in ("libsendoff.so", f"libsendoff.so.{major}")}
            expect(links == {"libsendoff.so": f"libsendoff.so.{major}",
                             f"libsendoff.so.{major}": f"libsendoff.so.{version}"}, f"{links}")

        pkg_config = {**os.environ, "PKG_CONFIG_PATH": str(library_folder / "pkgconfig")}
        flags = []
        with checks.check("pkg-config knows where, though the build was configured for another prefix"):
            flags = run("pkg-config", "--cflags", "--libs", "sendoff", env=pkg_config).split()
            folders = [str(pathlib.Path(flag[2:]).resolve()) for flag in flags if flag[:2] in ("-I", "-L")]
            expect(folders == [f"{prefix}/include", str(library_folder)] and "-lsendoff" in flags, f"{flags}")
            expect(run("pkg-config", "--modversion", "sendoff", env=pkg_config).strip() == version,
                   "another version than the project's")
            given = run("pkg-config", "--define-prefix", "--cflags", "sendoff", env=pkg_config).split()
            expect(library_folder.parent != prefix or f"-I{prefix}/include" in given, f"--define-prefix: {given}")

        with checks.check("the library exports nothing but sendoff_ names"):
            listed = run("nm", "-D", "--defined-only", str(library_folder / "libsendoff.so"))
            names = [line.split()[-1].split("@")[0] for line in listed.splitlines()]
            strange = [name for name in names if not re.match(r"sendoff_|SENDOFF_\d", name)]
            expect("sendoff_send" in names and not strange, f"{strange or 'no sendoff_send'}")

        with checks.check("the static library is one object that shows the ABI alone"):
            consumers.expect_one_object(library_folder / "libsendoff.a")

        for compiler, language in (("cc", "c"), ("clang", "c"), ("c++", "c++")):
            with checks.check(f"{compiler} takes the header as {language}"):
                source = work / "include_only"
                source.write_text("#include <sendoff/sendoff.h>\nint unit_is_not_empty;\n")
                run(compiler, "-x", language, *STRICT, "-fsyntax-only", f"-I{prefix}/include", str(source))

        with checks.check("the README's example compiles without a warning"):
            (work / "hello.c").write_text(readme_example())
            run("cc", *STRICT, str(work / "hello.c"), *flags, "-o", str(work / "hello"))

        command = prefix / "bin" / "sendoff"
        with checks.check("the installed command finds its library"):
            expect(version in run(str(command), "--version"), "--version names another version")

        with checks.check("the README's example sends what kcat reads back"):
            log = work / "broker"
            with log.open("w") as output:
                broker = processes.start([command, "broker", "--listen", "127.0.0.1:0", "--topic", "greetings:1"],
                                         stdout=output, stderr=output)
            address = processes.wait_until(lambda: broker_address(log), 60, "the broker's address")
            # README: the library is found where it was installed.
            environment = {**os.environ, "LD_LIBRARY_PATH": str(library_folder)}
            told = run(str(work / "hello"), address, env=environment)
            expect(told == "offset 0: success\n", f"the example prints {told!r}")
            read = run("kcat", "-C", "-q", "-e", "-b", address, "-t", "greetings", "-o", "beginning")
            expect(read == "hello\n", f"kcat reads {read!r}")
            processes.end(broker, 5)

        with checks.check("the README's example says what is wrong"):
            environment = {**os.environ, "LD_LIBRARY_PATH": str(library_folder)}
            done = processes.run([work / "hello"], env=environment)
            expect(done.returncode == 1 and "usage" in done.stderr, f"{done.returncode}: {done.stderr}")
            done = processes.run([work / "hello", "no port"], env=environment)
            expect(done.returncode == 1 and "bootstrap.servers" in done.stderr, f"{done.returncode}: {done.stderr}")

        with checks.check("CMake takes the static library where it is the only one"):
            for path in library_folder.glob("libsendoff.so*"):
                path.unlink()
            shutil.copytree(consumers.SOURCES, work / "consumer")
            consumers.Machine(str(work)).build_by_cmake("only-static", f"-DCMAKE_PREFIX_PATH={prefix}",
                                                        cases={"default": False, "explicit_static": False})

        with checks.check("CMake says what the static library lacks where OpenSSL is not installed"):
            done = processes.run(["cmake", "-S", work / "consumer", "-B", work / "without-openssl", "-DCASES=static",
                                  f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON"])
            told = " ".join(done.stderr.split())
            expect(done.returncode != 0 and "needs OpenSSL 3.0 or newer" in told, f"{done.returncode}: {told}")

        with checks.check("CMake finds nothing where there is no library"):
            (library_folder / "libsendoff.a").unlink()
            (work / "neither").mkdir()
            (work / "neither" / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.22)\nproject(neither LANGUAGES NONE)\nfind_package(sendoff QUIET)\n"
                "if(sendoff_FOUND)\n  message(FATAL_ERROR found)\nendif()\n")
            run("cmake", "-S", str(work / "neither"), "-B", str(work / "neither-built"),
                f"-DCMAKE_PREFIX_PATH={prefix}")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    checks.finish()


if __name__ == "__main__":
    main()
