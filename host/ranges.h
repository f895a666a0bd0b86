/* Positions for who shows a text that is no file: to errors and warnings in an answer, the member `range`, with columns
 * in each of the units that editors count in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/answer.h"
#include "proto/position.h"

/* Whether it cannot be told from the answer alone what the columns of its error count: the line has characters of
 * several bytes, and was shown, which may be from a file of the name. */
bool ranges_are_ambiguous(const struct answer *answer, const char *source, size_t len);

/* Adds the ranges to what the answer says of the source, which was compiled as `name`. `unit`: of the error's columns.
 */
void ranges_add(struct answer *answer, const char *source, size_t len, const char *name, enum position_encoding unit);

/* What the columns of the answer's error count, had the text been compiled under a name that no file has. */
enum position_encoding ranges_unit(const struct answer *answer);
