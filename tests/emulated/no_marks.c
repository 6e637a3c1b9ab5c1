/* Check notes the place of every assertion that holds, through a pipe, so that it can say where a crash was.
 * That is half of a test's time under an emulator: there, tests are linked with this instead. Assertions that
 * fail are told as ever. */
void __wrap__mark_point(const char *file, int line);

void __wrap__mark_point(const char *file, int line) {
  (void)file;
  (void)line;
}
