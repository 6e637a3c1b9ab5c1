"""Tests how a header is read, since what is not read is not compared."""
import checks
import header

HEADER = """/* The head. */
#ifndef SENDOFF_SENDOFF_H
#define SENDOFF_SENDOFF_H
#include <stdint.h>
#define SENDOFF_API
/* What it is. */
#define SENDOFF_MOST 7 /* in all */

typedef struct sendoff_thing sendoff_thing;

/* ---- Things
 * ------------------------ */

/* Kinds. */
enum {
  SENDOFF_ONE = 1, /* the first */
  /* The second. */
  SENDOFF_TWO = -2 /* that is it */
};

/* A pair, in two
 * lines. */
typedef struct sendoff_pair {
  uint32_t size; /* first */
  int32_t left, right;
  const char *name[2];
  /* Called, or not. */
  void (*call)(void *user, int32_t left);
} sendoff_pair;

/* Does it. */
SENDOFF_API int32_t sendoff_do(const sendoff_thing *thing,
                               sendoff_pair *pair);
SENDOFF_API void sendoff_undo(void);

SENDOFF_API const char *sendoff_alone(int32_t why);
#endif
"""

# What must not be passed over in silence.
NOT_UNDERSTOOD = {
    "a union": "typedef union sendoff_any { int a; } sendoff_any;",
    "a type of our own": "typedef int32_t sendoff_status;",
    "an enum with a name": "enum sendoff_kind { SENDOFF_KIND = 1 };",
    "an enumerator without a value": "enum { SENDOFF_FIRST };",
    "a macro with parameters": "#define SENDOFF_TWICE(x) (2 * (x))",
    "a bit-field": "typedef struct sendoff_bits { uint32_t a : 3; } sendoff_bits;",
    "a variable": "extern int sendoff_variable;",
    "a struct in a struct": "typedef struct sendoff_out { struct { int a; } in; } sendoff_out;",
}


def check(suite: checks.Checks) -> None:
    with suite.check("a header is read with its comments"):
        expect_read(header.parse_text(HEADER))
    for what, text in NOT_UNDERSTOOD.items():
        with suite.check(f"a header is refused for {what}"):
            try:
                parsed = header.parse_text(HEADER.replace("#endif\n", f"{text}\n#endif\n"))
            except ValueError:
                continue
            raise AssertionError(f"it was taken for {parsed}")


def expect_read(parsed: header.Header) -> None:
    told = {
        "head": parsed.comment, "opaque": parsed.opaque,
        "functions": [(each.name, each.return_type, [f"{of.type} {of.name}" for of in each.parameters], each.comment,
                       each.line) for each in parsed.functions.values()],
        "fields": [tuple(each) for each in parsed.structs["sendoff_pair"].fields.values()],
        "struct": (parsed.structs["sendoff_pair"].comment, parsed.structs["sendoff_pair"].is_size_first),
        "constants": [(each.name, each.kind, each.value, each.comment, each.group, each.section)
                      for each in parsed.constants.values()],
    }
    wanted = {
        "head": "The head.", "opaque": ("sendoff_thing",),
        "functions": [
            ("sendoff_do", "int32_t", ["const sendoff_thing * thing", "sendoff_pair * pair"], "Does it.", 32),
            ("sendoff_undo", "void", [], "Does it.", 34),
            ("sendoff_alone", "const char *", ["int32_t why"], "", 36)],
        "fields": [("size", "uint32_t", "first"), ("left", "int32_t", ""), ("right", "int32_t", ""),
                   ("name", "const char *[2]", ""),
                   ("call", "void (*call)(void *user, int32_t left)", "Called, or not.")],
        "struct": ("A pair, in two lines.", True),
        "constants": [("SENDOFF_MOST", "macro", "7", "What it is.", "", ""),
                      ("SENDOFF_ONE", "enumerator", "1", "the first", "Kinds.", "Things"),
                      ("SENDOFF_TWO", "enumerator", "-2", "that is it", "Kinds.", "Things")],
    }
    for part, value in wanted.items():
        checks.expect(told[part] == value, f"{part}: {told[part]}")
