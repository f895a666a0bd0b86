/* Positions for editors, which show a text that is not yet a file: adds the member `range` to the errors and warnings
 * of an answer, with columns in each of the units that editors count in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/answer.h"
#include "proto/position.h"

/* Whether the answer alone does not tell the unit of its error's columns: the line has characters of several bytes, and
 * the answer shows it, possibly from a file of the same name. */
bool ranges_are_ambiguous(const struct answer *answer, const char *source, size_t len);

/* Adds the ranges to the answer's errors and warnings that are about the source, which was compiled as `name`. `unit`
 * is the unit of the error's columns. */
void ranges_add(struct answer *answer, const char *source, size_t len, const char *name, enum position_encoding unit);

/* The unit of the columns in the answer's error, if the text was compiled under a name that no file has. */
enum position_encoding ranges_unit(const struct answer *answer);
