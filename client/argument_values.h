/* Values of options, read as argparse reads them. Each returns NULL, or argparse's message, which the caller frees. */
#pragma once

#include "proto/schema.h"

/* An int(): spaces around it are nothing. */
char *argument_int(const char *text, long min, long max, long *number);

/* One of the choices, by name. */
char *argument_choice(const char *text, const struct schema_choice *choices, int *value);
