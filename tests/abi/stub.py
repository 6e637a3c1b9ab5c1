"""Small libraries that declare what a header declares, for the canaries: their functions are empty."""
import pathlib

import checks
import header
import processes


class Stub:
    """A header and a symbol map that may be changed, and the library that they make."""

    def __init__(self, folder: pathlib.Path, header_text: str, map_text: str) -> None:
        self.include, self.map, self.library = folder, folder / "sendoff.map", folder / "libsendoff.so"
        self.header_path = folder / "sendoff" / "sendoff.h"
        self.header_path.parent.mkdir(parents=True)
        self.header_path.write_text(header_text, encoding="ascii")
        self.map.write_text(map_text, encoding="ascii")

    def build(self, compiler: str, soname: str, debug: str = "-g", more: str = "", without: str = "") -> None:
        """more: C text behind the functions; without: a function that is declared and not there."""
        source = self.include / "stub.c"
        lines = ["#include <sendoff/sendoff.h>"]
        for function in header.parse(self.header_path).functions.values():
            if function.name != without:
                value = "" if function.return_type == "void" else "return 0;"
                lines.append(f"{function.declaration} {{ {value} }}")
        source.write_text("\n".join([*lines, more, ""]), encoding="ascii")
        command = [compiler, debug, "-w", "-shared", "-fPIC", "-nostdlib", "-fvisibility=hidden", f"-I{self.include}",
                   source, f"-Wl,--version-script={self.map}", f"-Wl,-soname,{soname}", "-o", self.library]
        done = processes.run(command)
        checks.expect(done.returncode == 0, f"the stub does not build: {done.stderr}")
