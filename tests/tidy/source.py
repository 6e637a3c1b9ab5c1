"""C sources as the rules of tidy.py see them: text, lines, code without comments, functions, includes."""
import functools
import pathlib
import re
import subprocess

SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", "target", "node_modules"}
# Made by SWIG; bindings/*/generate makes them again, and a test compares.
GENERATED = {"bindings/go/internal/native/native.go", "bindings/go/internal/native/native_wrap.c",
             "bindings/ruby/ext/sendoff/native_wrap.c"}
# Releases as they were recorded; what is to be said about them says tests/abi/run.
RECORDED = "abi/baseline/"
COMMENT_OR_LITERAL = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def _blank(match):
    """The match with everything but its ends of line, and the quotes of a literal, replaced by blanks."""
    text = match.group()
    blank = re.sub(r"[^\n]", " ", text)
    return text[0] + blank[1:-1] + text[-1] if text[0] in "\"'" else blank


class Function:
    def __init__(self, name, first_line, last_line):
        self.name, self.first_line, self.last_line = name, first_line, last_line

    @property
    def line_count(self):
        return self.last_line - self.first_line + 1


class Source:
    """One file. path is relative to the root, with slashes."""

    def __init__(self, root, path):
        self.root, self.path = root, path
        self.bytes = (root / path).read_bytes()
        self.text = self.bytes.decode("utf-8", "replace")
        self.name = path.rsplit("/", 1)[-1]
        self.stem, _, self.suffix = self.name.rpartition(".")
        self.is_test = bool(re.search(r"(^|/)tests?/|_test\.go$", path))

    @functools.cached_property
    def lines(self):
        return self.text.split("\n")[:-1] if self.text.endswith("\n") else self.text.split("\n")

    @functools.cached_property
    def code(self):
        """The text with comments and the content of literals blanked; every character keeps its place."""
        return COMMENT_OR_LITERAL.sub(_blank, self.text)

    @functools.cached_property
    def includes(self):
        """(line, '"' or '<', path) of each include."""
        return [(self.line_at(m.start(2)), m.group(1), m.group(2)) for m in INCLUDE.finditer(self.text)]

    @functools.cached_property
    def functions(self):
        return list(find_functions(self))

    @property
    def layer(self):
        """"base" of src/base/..., "abi" of abi/..., else None."""
        parts = self.path.split("/")
        if parts[0] == "src" and len(parts) > 2:
            return parts[1]
        return "abi" if parts[0] == "abi" else None

    def line_at(self, position):
        return self.text.count("\n", 0, position) + 1


def find_functions(source):
    """Every body at file scope that follows a parameter list. Macros are not functions."""
    code = DIRECTIVE.sub(_blank, source.code)
    depth, head, name, first_line = 0, 0, None, 0
    transparent = set()  # depths of `extern "C" {`, whose inside is file scope too
    for match in re.finditer(r"[{};]", code):
        at, scope = match.start(), depth - len(transparent)
        if match.group() == "{":
            text = code[head:at]
            if scope == 0 and re.search(r'\bextern\s*"\s*"\s*$', text):
                transparent.add(depth)
                head = at + 1
            elif scope == 0:
                name, first_line = _function_head(source, text, head)
            depth += 1
        elif match.group() == "}":
            depth -= 1
            if depth in transparent:
                transparent.discard(depth)
                head = at + 1
            elif depth - len(transparent) == 0:
                if name is not None:
                    yield Function(name, first_line, source.line_at(at))
                name, head = None, at + 1
        elif scope == 0:
            head = at + 1


def _function_head(source, text, offset):
    text = re.sub(r"\bEND_TEST\b", lambda match: " " * len(match.group()), text)
    if not re.search(r"\)\s*(__attribute__\s*\(\(.*\)\)\s*)?$", text, re.DOTALL) or "=" in text:
        return None, 0
    call = re.search(r"\b(\w+)\s*\(\s*(\w*)", text)
    name = call.group(2) if call.group(1) == "START_TEST" else call.group(1)
    return name, source.line_at(offset + len(text) - len(text.lstrip()))


def paths_of(root):
    """What git knows and does not ignore; without git, all but what builds leave behind."""
    try:
        command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
        paths = {path for path in listed if path}
        if (root / ".git").exists() and paths:
            return sorted(path for path in paths if (root / path).is_file())
    except (OSError, subprocess.CalledProcessError):
        pass
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(str(pathlib.PurePosixPath(path)) for path in found if not SKIPPED_FOLDERS & set(path.parts))


def sources_of(root):
    root = pathlib.Path(root)
    paths = (path for path in paths_of(root) if path not in GENERATED and not path.startswith(RECORDED))
    return [Source(root, path) for path in paths]
