/* See delivery.h. */
#ifndef COMPATIBILITY_RUBY_PRODUCER_H
#define COMPATIBILITY_RUBY_PRODUCER_H

#include <ruby.h>

void producer_define(VALUE module);

#endif
