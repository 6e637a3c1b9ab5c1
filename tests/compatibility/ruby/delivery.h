/* The release's ruby.i hooks in what the gem wrote by hand. This is the least of it that a program can live
 * on: a record's way in, its report and the close. */
#ifndef COMPATIBILITY_RUBY_DELIVERY_H
#define COMPATIBILITY_RUBY_DELIVERY_H

#include <ruby.h>

void delivery_define(VALUE module);

#endif
