"""Changes of the header, the symbol map or the library, and what abi-check has to say to each: nothing, or which rule
is broken, about what, and which of its ways see it."""
import re
import typing

EVERY_WAY = ("header", "symbols", "libabigail")
BY_TYPES = ("header", "libabigail")
NEXT = "SENDOFF_{}.{}"


class Draft:
    """Today's header and map, to be changed; and how the library is built."""

    def __init__(self, header_text: str, map_text: str) -> None:
        self.header, self.map, self.options = header_text, map_text, {}
        self.library_map = None  # if it is another than what is checked

    @property
    def version(self) -> tuple:
        return tuple(int(re.search(rf"#define SENDOFF_VERSION_{part} (\d+)", self.header)[1])
                     for part in ("MAJOR", "MINOR"))

    def replace(self, pattern: str, replacement: str) -> None:
        self.header = once(pattern, replacement, self.header)

    def in_struct(self, name: str, pattern: str, replacement: str) -> None:
        before, begin, rest = self.header.partition(f"typedef struct {name} {{")
        body, end, after = rest.partition(f"}} {name};")
        self.header = before + begin + once(pattern, replacement, body) + end + after

    def append(self, struct_name: str, field: str) -> None:
        self.replace(rf"\}} {struct_name};", f"  {field}\n}} {struct_name};")

    def declare_function(self) -> None:
        self.replace("SENDOFF_API int32_t sendoff_close",
                     r"SENDOFF_API int32_t sendoff_pause(sendoff_producer *producer);\n\g<0>")

    def add_function(self, node: str) -> None:
        self.declare_function()
        if f"{node} {{" in self.map:
            self.map = once(rf"{re.escape(node)} \{{\s*global:", r"\g<0> sendoff_pause;", self.map)
        else:
            self.map += f"{node} {{ global: sendoff_pause; }} {re.findall(r'SENDOFF_[0-9.]+', self.map)[-1]};\n"

    def begin_next_version(self) -> str:
        """The node of the next minor version."""
        major, minor = self.version
        self.replace(r"(#define SENDOFF_VERSION_MINOR) \d+", rf"\1 {minor + 1}")
        return NEXT.format(major, minor + 1)


def once(pattern: str, replacement: str, text: str) -> str:
    changed, count = re.subn(pattern, replacement, text)
    if count != 1:
        raise AssertionError(f"{pattern!r} is found {count} times")
    return changed


class Canary(typing.NamedTuple):
    what: str
    change: typing.Callable  # of a Draft
    name: str = ""  # what the message is about, a pattern
    seen_by: tuple = ()
    says: str = ""  # what it says besides


def _removed_function(draft):
    draft.replace(r"SENDOFF_API int32_t sendoff_wake\(.*\);", "")
    draft.map = once(r"\bsendoff_wake;", "", draft.map)


def _removed_in_library(draft):
    draft.options["without"] = "sendoff_wake"


def _narrower_parameter(draft):
    draft.replace(r"(sendoff_close\(sendoff_producer \*producer), int64_t", r"\1, int32_t")


def _one_parameter_more(draft):
    draft.replace(r"(sendoff_wake\(sendoff_producer \*producer)\)", r"\1, uint32_t which)")


def _wider_result(draft):
    draft.replace(r"uint32_t sendoff_status_class\(", "uint64_t sendoff_status_class(")


def _const_lost(draft):
    draft.replace(r"(sendoff_try_send\(sendoff_producer \*producer,) const ", r"\1 ")


def _opaque_type_renamed(draft):
    draft.header = re.sub(r"\bsendoff_partitions\b(?!_)", "sendoff_snapshot", draft.header)


def _swapped(struct_name, one, other):
    def change(draft):
        draft.in_struct(struct_name, rf"\b{one};", "SWAPPED;")
        draft.in_struct(struct_name, rf"\b{other};", f"{one};")
        draft.in_struct(struct_name, r"\bSWAPPED;", f"{other};")
    return change


def _in_struct(struct_name, pattern, replacement):
    return lambda draft: draft.in_struct(struct_name, pattern, replacement)


def _appended(struct_name, field="uint64_t more;"):
    return lambda draft: draft.append(struct_name, field)


def _grown_and_changed(draft):
    draft.append("sendoff_counters", "uint64_t more;")
    draft.in_struct("sendoff_counters", r"uint64_t throttled_ms;", "int64_t throttled_ms;")


def _size_not_first(draft):
    draft.in_struct("sendoff_event", r"uint32_t size;", "")
    draft.in_struct("sendoff_event", r"uint32_t kind;", "uint32_t kind, size;")


def _constant(name, value):
    return lambda draft: draft.replace(rf"\b{name} = -?\d+", f"{name} = {value}")


def _constant_removed(draft):
    draft.replace(r"SENDOFF_SET_TRY = 8", "SENDOFF_SET_NEVER_WAIT = 8")


def _next_abi(draft):
    draft.replace(r"SENDOFF_ABI_VERSION 1\n", "SENDOFF_ABI_VERSION 2\n")


def _other_soname(draft):
    draft.options["soname"] = "libsendoff.so.2"


def _older_version(draft):
    draft.replace(r"(SENDOFF_VERSION_MAJOR) 1", r"\1 0")


def _nodes_renamed(draft):
    draft.map = draft.map.replace("SENDOFF_1.0", "SENDOFF_0.9")


def _moved_to_new_node(draft):
    node = draft.begin_next_version()
    draft.map = once(r"\bsendoff_wake;", "", draft.map) + f"{node} {{ global: sendoff_wake; }} SENDOFF_1.0;\n"


def _linked_with_another_map(draft):
    node = NEXT.format(draft.version[0], draft.version[1] + 1)
    draft.library_map = once(r"\bsendoff_wake;", "", draft.map) + f"{node} {{ global: sendoff_wake; }} SENDOFF_1.0;\n"


def _new_under_old_node(draft):
    draft.add_function("SENDOFF_1.0")


def _new_under_later_node(draft):
    draft.add_function(NEXT.format(draft.version[0], draft.version[1] + 1))


def _exported_besides(draft):
    draft.library_map = once(r"\bsendoff_wake;", "sendoff_wake; sendoff_secret;", draft.map)
    draft.options["more"] = '__attribute__((visibility("default"))) int sendoff_secret(void) { return 0; }'


def _declared_besides(draft):
    draft.declare_function()


def _without_debug_information(draft):
    draft.options["debug"] = "-g0"


def _new_function(draft):
    draft.add_function(draft.begin_next_version())


def _new_constants(draft):
    draft.replace(r"SENDOFF_LOGIN_FAILED = -1033", r"\g<0>, SENDOFF_PAUSED = -1034")
    draft.replace(r"#define SENDOFF_ABI_VERSION 1\n", r"\g<0>#define SENDOFF_MORE 7\n")


def _new_setting(draft):
    """Settings are data inside of the library."""
    draft.options["more"] = 'static const char *setting = "more.ms"; const char *setting_name(void) { return setting; }'


def _new_types(draft):
    draft.replace("typedef struct sendoff_config sendoff_config;",
                  r"\g<0>\ntypedef struct sendoff_journal sendoff_journal;\n"
                  r"typedef struct sendoff_place {\n  uint64_t offset;\n} sendoff_place;\n")


def _other_words(draft):
    draft.replace(r"(sendoff_wake\(sendoff_producer \*)producer\)", r"\1whom)")
    draft.replace(r"(sendoff_send\(sendoff_producer \*producer, const) sendoff_record", r"\1 struct sendoff_record")


# By the rule that they break. The five that have to be caught whatever else is: a removed function, a changed
# signature, a reordered field, a changed enum value, a shrunk struct. The others hide more cleverly.
BREAKS = {
    "functions-stay": [
        Canary("a removed function", _removed_function, "sendoff_wake", EVERY_WAY),
        Canary("a function that only the library has lost", _removed_in_library, "sendoff_wake",
               ("symbols", "libabigail")),
        Canary("a changed version node, as old programs see it", _nodes_renamed, "sendoff_send", ("libabigail",)),
    ],
    "signatures-stay": [
        Canary("a changed signature", _narrower_parameter, "sendoff_close", BY_TYPES),
        Canary("a parameter more", _one_parameter_more, "sendoff_wake", BY_TYPES),
        Canary("a wider result", _wider_result, "sendoff_status_class", BY_TYPES),
        Canary("a parameter that is no longer const", _const_lost, "sendoff_try_send", ("header",)),
        Canary("an opaque type of another name", _opaque_type_renamed, "sendoff_partitions_for", BY_TYPES),
    ],
    "structs-frozen": [
        Canary("a reordered field", _swapped("sendoff_report", "offset", "timestamp_ms"), "sendoff_report", BY_TYPES,
               "sendoff_poll"),
        Canary("a shrunk struct", _in_struct("sendoff_report", r"uint8_t zero\[12\]", "uint8_t zero[4]"),
               "sendoff_report", BY_TYPES, "sendoff_send_sync"),
        Canary("a wider field", _in_struct("sendoff_report", "uint32_t topic;", "uint64_t topic;"), "sendoff_report",
               BY_TYPES, "sendoff_poll"),
        Canary("a field of another sign", _in_struct("sendoff_report", "int32_t broker;", "uint32_t broker;"),
               "sendoff_report", BY_TYPES, "sendoff_poll"),
        Canary("a field behind a struct that never changes", _appended("sendoff_header"), "sendoff_header", BY_TYPES,
               "sendoff_send"),
        Canary("the same where no function says its type", _appended("sendoff_packed_record"), "sendoff_packed_record",
               ("header",), "sendoff_send_batch"),
    ],
    "structs-grow": [
        Canary("a field in the middle of a struct that may grow",
               _in_struct("sendoff_counters", "uint64_t throttled_ms;", "uint64_t more, throttled_ms;"),
               "sendoff_counters", BY_TYPES, "sendoff_get_counters"),
        Canary("its last field is gone", _in_struct("sendoff_partition", r"int32_t status;", ""), "sendoff_partition",
               BY_TYPES, "sendoff_partitions_get"),
        Canary("its fields are reordered", _swapped("sendoff_partition", "leader", "leader_epoch"),
               "sendoff_partition", BY_TYPES, "sendoff_partitions_get"),
        Canary("its array is shorter", _in_struct("sendoff_event", r"text\[1024\]", "text[512]"), "sendoff_event",
               BY_TYPES, "sendoff_poll_event"),
        Canary("it grows, and hides that a field changed", _grown_and_changed, "sendoff_counters", BY_TYPES,
               "throttled_ms"),
        Canary("a field has another name", _in_struct("sendoff_flush_result", "uint64_t failed;", "uint64_t lost;"),
               "sendoff_flush_result", BY_TYPES, "sendoff_flush"),
        Canary("its size is not first any more", _size_not_first, "sendoff_event", BY_TYPES, "sendoff_poll_event"),
        Canary("its callback has another parameter",
               _in_struct("sendoff_callbacks", r"\(\*on_log\)\(void \*user, int32_t", "(*on_log)(void *user, int64_t"),
               "sendoff_callbacks", BY_TYPES, "sendoff_create"),
    ],
    "constants-stay": [
        Canary("a changed enum value", _constant("SENDOFF_CLOSED", "-1034"), "SENDOFF_CLOSED", ("header",),
               "was -1005 and is -1034"),
        Canary("a removed constant", _constant_removed, "SENDOFF_SET_TRY", ("header",)),
        Canary("a changed macro", _next_abi, "SENDOFF_ABI_VERSION", ("header",)),
    ],
    "soname-stays": [
        Canary("an ABI version that is not the SONAME's", _next_abi, "SENDOFF_ABI_VERSION", ("symbols",)),
        Canary("a library of another name", _other_soname, "SENDOFF_ABI_VERSION|SONAME", ("symbols", "libabigail")),
    ],
    "versions-rise": [
        Canary("a version below the release's", _older_version, "SENDOFF_VERSION_MAJOR", ("header",)),
    ],
    "nodes-stay": [
        Canary("a changed version node", _nodes_renamed, "sendoff_send", ("symbols",)),
        Canary("a function that moved to a new node", _moved_to_new_node, "sendoff_wake", ("symbols",)),
        Canary("a library that was linked with another map", _linked_with_another_map, "sendoff_wake", ("symbols",),
               "is exported under SENDOFF_"),
    ],
    "nodes-new": [
        Canary("a new function under an old node", _new_under_old_node, "sendoff_pause", ("symbols",)),
        Canary("a new function under a later version's node", _new_under_later_node, "sendoff_pause", ("symbols",)),
    ],
    "exports-exact": [
        Canary("a function that is exported and not listed", _exported_besides, "sendoff_secret", ("symbols",)),
        Canary("a function that is declared and not listed", _declared_besides, "sendoff_pause", ("symbols",)),
    ],
    "all-checked": [
        Canary("a library without debug information", _without_debug_information, r"\w+", ("libabigail",),
               "no debug information"),
    ],
}

ALLOWED = [
    Canary("the header as it is", lambda draft: None),
    Canary("a new function under a new node", _new_function),
    Canary("a field behind each input struct that may grow",
           lambda draft: [draft.append(name, "uint64_t more;") for name in
                          ("sendoff_record", "sendoff_callbacks", "sendoff_token")]),
    Canary("fields behind output structs that may grow",
           lambda draft: [draft.append(name, "uint32_t more, still_more;") for name in
                          ("sendoff_counters", "sendoff_event", "sendoff_partition", "sendoff_flush_result")]),
    Canary("new constants", _new_constants),
    Canary("a new setting", _new_setting),
    Canary("new structs", _new_types),
    Canary("other names of parameters, the same types otherwise written", _other_words),
]
