/* Widths are measured when the table is printed. */
#include "client/ctl/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void table_row(struct table *table) {
    if (table->cells.len > 0)
        buffer_append_char(&table->cells, '\n');
    table->column = 0;
}

void table_add(struct table *table, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    size_t len = strlen(text);
    if (table->column < TABLE_COLUMNS_MAX && len > table->widths[table->column])
        table->widths[table->column] = len;
    table->column++;
    buffer_append(&table->cells, text, len + 1);
    free(text);
}

void table_print(const struct table *table) {
    const char *at = table->cells.data, *end = at + table->cells.len;
    size_t column = 0, owed = 0;
    while (at < end) {
        if (*at == '\n') {
            putchar('\n');
            column = owed = 0;
            at++;
            continue;
        }
        size_t len = strlen(at);
        if (len > 0) {
            printf("%*s%s", (int)owed, "", at);
            owed = 0;
        }
        if (column < TABLE_COLUMNS_MAX)
            owed += table->widths[column] - len + 2;
        column++;
        at += len + 1;
    }
    if (table->cells.len > 0)
        putchar('\n');
}

void table_deinit(struct table *table) {
    buffer_deinit(&table->cells);
}
