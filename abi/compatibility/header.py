"""The public header as data: functions, structs and constants, each with its comment.

    header = header.parse("abi/sendoff/sendoff.h")
    header.functions["sendoff_send"].parameters[1].type    # "const sendoff_record *"
    header.structs["sendoff_report"].fields["offset"].comment    # "-1: unknown"
    header.constants["SENDOFF_CLOSED"].comment

All three are dicts by name, in the header's order. Comments are one line of prose, without their stars. It reads
the header as clang-format lays it out, and refuses what it does not understand rather than leaving it out. What a
type or a value *is* a compiler has to say: see compiled.py.
"""
import pathlib
import re
import typing

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
SECTION = re.compile(r"-{4} (.*?)\s*-*")
FUNCTION = re.compile(r"SENDOFF_API (?P<type>.*?)(?P<name>\w+)\((?P<parameters>.*)\)", re.DOTALL)
STRUCT = re.compile(r"typedef struct (?P<name>\w+) \{(?P<body>.*)\} (?P=name)", re.DOTALL)
OPAQUE = re.compile(r"typedef struct (?P<name>\w+) (?P=name)")
ENUM = re.compile(r"enum \{(?P<body>.*)\}", re.DOTALL)
FUNCTION_POINTER = re.compile(r"(?P<type>.*?)\(\*(?P<name>\w+)\)\(.*\)", re.DOTALL)
OBJECTS = re.compile(r"(?P<type>(?:const )?\w+ \**)(?P<names>\w+(?:\[\w+\])?(?:, \w+)*)")
SWITCH = re.compile(r"#define SENDOFF_(API.*|SENDOFF_H)")
MACRO = re.compile(r"#define (?P<name>SENDOFF_\w+) +(?P<value>.+)")


class Parameter(typing.NamedTuple):
    name: str
    type: str  # "const void *", "int64_t"


class Function(typing.NamedTuple):
    name: str
    return_type: str
    parameters: tuple  # of Parameter; empty for (void)
    declaration: str  # in one line, without SENDOFF_API and semicolon
    comment: str  # functions that stand together below one comment share it
    section: str  # the "---- Heading" that it stands below
    line: int


class Field(typing.NamedTuple):
    name: str
    type: str  # for a function pointer the whole declaration
    comment: str


class Struct(typing.NamedTuple):
    name: str
    fields: dict  # of Field by name
    declaration: str  # "typedef struct NAME { ... } NAME" without comments, in one line
    comment: str
    section: str
    line: int

    @property
    def is_size_first(self) -> bool:
        """Such a struct may grow at its end; any other never changes."""
        first = next(iter(self.fields.values()), None)
        return first is not None and (first.type, first.name) == ("uint32_t", "size")


class Constant(typing.NamedTuple):
    name: str
    kind: str  # "enumerator" or "macro"
    value: str  # as it is written
    comment: str  # its own; "" if it has none
    group: str  # the comment above its enum
    section: str
    line: int


class Header(typing.NamedTuple):
    comment: str  # the one at the head, with its line breaks
    functions: dict
    structs: dict
    constants: dict
    opaque: tuple  # names of the structs that only the library knows


def parse(path) -> Header:
    return parse_text(pathlib.Path(path).read_text(encoding="ascii"))


def parse_text(text: str) -> Header:
    head = COMMENT.search(text)
    header = Header(_without_stars(head.group()) if head else "", {}, {}, {}, ())
    opaque, section, above, shared = [], "", "", ""
    for line, is_apart, piece in _pieces(text, head.end() if head else 0):
        if piece.startswith("/*"):
            above = prose(piece)
            heading = SECTION.fullmatch(above)
            section, above = (heading.group(1), "") if heading else (section, above)
            continue
        code = _code_of(piece)
        if code.startswith("SENDOFF_API"):
            shared = above or ("" if is_apart else shared)
            function = _function(code, shared, section, line)
            header.functions[function.name] = function
        elif OPAQUE.fullmatch(code):
            opaque.append(OPAQUE.fullmatch(code).group("name"))
        elif code.startswith("typedef struct"):
            struct = _struct(piece, code, above, section, line)
            header.structs[struct.name] = struct
        else:
            header.constants.update(_constants(piece, above, section, line))
        above = ""
        shared = shared if code.startswith("SENDOFF_API") else ""
    return header._replace(opaque=tuple(opaque))


def prose(comment: str) -> str:
    return _one_line(_without_stars(comment))


def _without_stars(comment: str) -> str:
    text = comment.removeprefix("/*").removesuffix("*/").strip()
    return re.sub(r" *\n *\*? ?", "\n", text).strip()


def _code_of(text: str) -> str:
    """In one line, without comments and the end."""
    return _one_line(COMMENT.sub(" ", text)).rstrip("; ")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _pieces(text: str, at: int):
    """(line, is an empty line above it, text) of each comment, macro and declaration at the outermost level. What
    serves the preprocessor and C++ alone is left out."""
    while match := re.compile(r"\S").search(text, at):
        begin, before = match.start(), at
        at = _end_of_piece(text, begin)
        piece = text[begin:at]
        is_macro = piece.startswith("#define") and not SWITCH.fullmatch(piece)
        if is_macro or not piece.startswith(("#", 'extern "C"', "}")):
            yield text.count("\n", 0, begin) + 1, text.count("\n", before, begin) > 1, piece


def _end_of_piece(text: str, begin: int) -> int:
    if text.startswith("/*", begin):
        return text.index("*/", begin) + 2
    if text[begin] == "#" or text.startswith(('extern "C"', "}"), begin):
        return text.index("\n", begin)
    depth = 0
    for match in re.compile(r"/\*.*?\*/|[{};]", re.DOTALL).finditer(text, begin):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0 and match.group() == ";":
            return match.end()
    raise ValueError(f"a declaration does not end: {text[begin:begin + 60]!r}")


def _function(code: str, comment: str, section: str, line: int) -> Function:
    match = FUNCTION.fullmatch(code)
    if not match:
        raise ValueError(f"line {line}: no function: {code}")
    parameters = []
    for text in match.group("parameters").split(", "):
        if text != "void":
            named = re.fullmatch(r"(?P<type>.*?)(?P<name>\w+)", text)
            parameters.append(Parameter(named.group("name"), named.group("type").strip()))
    return Function(match.group("name"), match.group("type").strip(), tuple(parameters),
                    code.removeprefix("SENDOFF_API "), comment, section, line)


def _struct(piece: str, code: str, comment: str, section: str, line: int) -> Struct:
    match = STRUCT.search(piece)
    if not match:
        raise ValueError(f"line {line}: no struct: {code}")
    fields = {}
    for above, declaration, behind in _members(match.group("body"), ";"):
        for name, kind in _declared(declaration, line):
            fields[name] = Field(name, kind, behind or above)
    return Struct(match.group("name"), fields, code, comment, section, line)


def _declared(declaration: str, line: int):
    """(name, type) of each field of `uint64_t a, b`, `char text[8]` and `void (*f)(void *user)`."""
    if match := FUNCTION_POINTER.fullmatch(declaration):
        return [(match.group("name"), declaration)]
    match = OBJECTS.fullmatch(declaration)
    if not match:
        raise ValueError(f"line {line}: no field: {declaration}")
    names = [name.partition("[") for name in match.group("names").split(", ")]
    return [(name, match.group("type").strip() + bracket + rest) for name, bracket, rest in names]


def _constants(piece: str, comment: str, section: str, line: int) -> dict:
    if piece.startswith("#"):
        macro = MACRO.fullmatch(_code_of(piece))
        if not macro:
            raise ValueError(f"line {line}: no constant: {piece}")
        return {macro.group("name"): Constant(macro.group("name"), "macro", macro.group("value"), comment, "",
                                              section, line)}
    match = ENUM.search(piece)
    if not match:
        raise ValueError(f"line {line}: neither function, struct nor enum: {piece[:80]!r}")
    constants = {}
    for above, declaration, behind in _members(match.group("body"), ","):
        name, equals, value = declaration.partition(" = ")
        if not equals:
            raise ValueError(f"line {line}: {name} has no value of its own")
        at = line + piece.count("\n", 0, re.search(rf"\b{name}\b", piece).start())
        constants[name] = Constant(name, "enumerator", value, behind or above, comment, section, at)
    return constants


def _members(body: str, separator: str) -> list:
    """(comment above, declaration, comment behind) of each member."""
    members, above, code, depth, end = [], "", "", 0, 0
    for token in re.finditer(r"/\*.*?\*/|[(),;]|[^(),;/]+", body + separator, re.DOTALL):
        text = token.group()
        depth += {"(": 1, ")": -1}.get(text, 0)
        if text.startswith("/*"):
            if code.strip():  # the last enumerator has no comma
                members.append([above, _one_line(code), prose(text)])
                above, code, end = "", "", token.end()
            elif members and "\n" not in body[end:token.start()]:
                members[-1][2] = prose(text)
            else:
                above = prose(text)
        elif text == separator and depth == 0:
            if code.strip():
                members.append([above, _one_line(code), ""])
            above, code, end = "", "", token.end()
        else:
            code += text
    return members
