/* The findings in the answer about a file: the error, and the warnings, each with its place in the source. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/json.h"

/* Strings belong to the findings. Lines and columns count from 1; 0: unknown. The end is behind the last character. */
struct finding {
    bool is_error;
    const char *kind;    /* the exception's or the warning's class: "SyntaxError", "SyntaxWarning" */
    const char *message; /* without file and line */
    const char *text;    /* as the interpreter prints it, with the source line; or NULL */
    int64_t line, column, end_line, end_column;
};

struct findings {
    cJSON *tree; /* that the strings belong to, or NULL */
    struct finding *list;
    size_t count;
};

/* Reads the raw text of a result, or of an error if `failed`. An error comes first. The caller calls
 * findings_deinit(). */
void findings_init(struct findings *findings, struct json_span answer, bool failed);
void findings_deinit(struct findings *findings);
