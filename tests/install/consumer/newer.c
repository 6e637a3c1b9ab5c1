/* Uses a function that release 1.1 added. */
#include <sendoff/sendoff.h>
#include <stdio.h>

int main(void) {
  return puts(sendoff_features()) < 0;
}
