/* CONFIGURATION.md is what the tables of settings say, but for its section on security, which is written by
 * hand. With the argument --write this program writes the rest anew. */
#include "producer/setting_table.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = TEST_SOURCE_DIRECTORY "/../CONFIGURATION.md";

static const char head[] =
    "# Configuration\n"
    "\n"
    "Every setting of Sendoff. The names, types and defaults are those of Kafka's Java producer unless a "
    "text says\n"
    "otherwise; librdkafka's names are understood as well. This page is written from the tables of the "
    "library\n"
    "(`build/tests/configuration_document_test --write`), which a program can read too: "
    "`sendoff_setting_count`\n"
    "and `sendoff_setting_at`.\n"
    "\n"
    "* A value is text: `sendoff_config_set(config, \"linger.ms\", \"10\", ...)`, or a line `linger.ms=10` "
    "of a file in\n"
    "  Java's `.properties` form for `sendoff_config_load_file`, or `-X linger.ms=10` for the `sendoff` "
    "command.\n"
    "* A setting marked *per topic* can also be set for one topic, as `topic.NAME.setting`:\n"
    "  `topic.orders.compression.type=zstd`.\n"
    "* A value of the type *password* is shown as `[hidden]`.\n"
    "* Names that end in `.ms` are milliseconds and take up to three decimals: `linger.ms=0.5`.\n"
    "* An unknown name is refused, and the nearest known one is named, unless `unknown.settings=warn` is "
    "set.\n"
    "* Two values that were set and contradict each other are refused. A default that does not suit what was "
    "set\n"
    "  gives way, and the log says so.\n";

/* The file as it is, to be freed; empty if there is none, NULL if memory is missing. */
static char *file_text(void) {
  char *text = NULL;
  size_t size = 0;
  FILE *copy = open_memstream(&text, &size), *file = fopen(path, "rb");
  for (int c = file == NULL ? EOF : fgetc(file); c != EOF && copy != NULL; c = fgetc(file))
    (void)fputc(c, copy);
  if (file != NULL) (void)fclose(file);
  return copy != NULL && fclose(copy) == 0 ? text : NULL;
}

/* From its heading to the next one. */
static void write_security(FILE *file) {
  char *text = file_text();
  const char *from = text == NULL ? NULL : strstr(text, "\n## Security\n");
  const char *to = from == NULL ? NULL : strstr(from + 1, "\n## ");
  if (to != NULL) (void)fwrite(from, 1, (size_t)(to - from), file);
  free(text);
}

static void write_settings(FILE *file) {
  (void)fprintf(file, "\n## Settings\n\n| setting | type | default | allowed | |\n|---|---|---|---|---|\n");
  struct setting_description row;
  for (uint32_t i = 0; setting_description_at(i, &row); i++) {
    if (row.kind != SETTING_NAME_OWN) continue;
    bool has_default = row.default_value != NULL && *row.default_value != '\0';
    (void)fprintf(file, "| `%s`%s | %s | %s%s%s | %s | %s |\n", row.name, row.per_topic ? " *per topic*" : "",
                  row.type, has_default ? "`" : "", has_default ? row.default_value : "none",
                  has_default ? "`" : "", row.range == NULL ? "any" : row.range, row.text);
  }
}

static void write_aliases(FILE *file) {
  (void)fprintf(file, "\n## Aliases\n\n| librdkafka's name | sets | |\n|---|---|---|\n");
  struct setting_description row;
  for (uint32_t i = 0; setting_description_at(i, &row); i++) {
    if (row.kind != SETTING_NAME_ALIAS) continue;
    (void)fprintf(file, "| `%s` | `%s` | %s |\n", row.name, row.alias_of, row.text);
  }
}

static void write_names_without_meaning(FILE *file) {
  (void)fprintf(file, "\n## Accepted, no meaning here\n\n"
                      "Known elsewhere; files that hold them can be used as they are.\n\n"
                      "| name | of | values accepted | |\n|---|---|---|---|\n");
  struct setting_description row;
  for (uint32_t i = 0; setting_description_at(i, &row); i++) {
    if (row.kind != SETTING_NAME_NO_MEANING) continue;
    (void)fprintf(file, "| `%s` | %s | %s | %s |\n", row.name, row.origin,
                  row.range == NULL ? "any" : row.range, row.text);
  }
}

static void write_refusals(FILE *file, enum setting_name_kind kind, const char *introduction) {
  (void)fprintf(file, "\n%s\n\n| name | of | |\n|---|---|---|\n", introduction);
  struct setting_description row;
  for (uint32_t i = 0; setting_refusal_at(i, &row); i++) {
    if (row.kind == kind) (void)fprintf(file, "| `%s` | %s | %s |\n", row.name, row.origin, row.text);
  }
}

/* The whole document, to be freed. */
static char *document(void) {
  char *text = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&text, &size);
  if (file == NULL) return NULL;
  (void)fputs(head, file);
  write_security(file);
  write_settings(file);
  write_aliases(file);
  write_names_without_meaning(file);
  write_refusals(
      file, SETTING_NAME_NOT_SUPPORTED,
      "## Not supported\n\nRefused always, since to go on without them would be unsafe. `*` stands for "
      "all names that begin so.");
  write_refusals(
      file, SETTING_NAME_NO_COUNTERPART,
      "## No counterpart\n\nlibrdkafka's names that ask for what is not here. Refused as unknown names "
      "are.");
  return fclose(file) == 0 ? text : NULL;
}

START_TEST(document_is_what_the_tables_say) {
  char *expected = document();
  ck_assert_ptr_nonnull(expected);
  char *found = file_text();
  ck_assert_ptr_nonnull(found);
  ck_assert_msg(strstr(found, "\n## Security\n") != NULL, "there is no section on security");
  size_t same = 0;
  while (expected[same] != '\0' && expected[same] == found[same])
    same++;
  ck_assert_msg(expected[same] == found[same],
                "CONFIGURATION.md differs from the tables at \"%.60s\", which is to be \"%.60s\": run "
                "configuration_document_test --write",
                found + same, expected + same);
  free(found);
  free(expected);
}
END_TEST

static int write_document(void) {
  char *text = document();
  FILE *file = fopen(path, "wb");
  if (text == NULL || file == NULL) return 1;
  size_t size = strlen(text);
  bool written = fwrite(text, 1, size, file) == size;
  free(text);
  return fclose(file) == 0 && written ? 0 : 1;
}

int main(int argument_count, char **arguments) {
  if (argument_count == 2 && strcmp(arguments[1], "--write") == 0) return write_document();
  Suite *suite = suite_create("configuration_document");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, document_is_what_the_tables_say);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
