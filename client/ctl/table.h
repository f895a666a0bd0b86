/* A table of text for a terminal: columns as wide as their widest cell. */
#pragma once

#include <stddef.h>

#include "base/buffer.h"

#define TABLE_COLUMNS_MAX 16

/* Zero-initialised is empty. Rows are ended by '\n' and cells by '\0' in `cells`. */
struct table {
    struct buffer cells;
    size_t widths[TABLE_COLUMNS_MAX];
    size_t column; /* of the next cell */
};

/* Begins a row. */
void table_row(struct table *table);

/* Adds a cell to the row; its text must hold no newline. */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints it on standard output. */
void table_print(const struct table *table);
void table_deinit(struct table *table);
