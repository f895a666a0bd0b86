/* The table of the parameters of `search`. */
#include "proto/search_request.h"

#include <limits.h>

#include "proto/compile_request.h"

/* clang-format off */
#define ROW(member, kind, ...)                                                                                         \
    { .name = #member, .type = SCHEMA_##kind, .offset = offsetof(struct search_request, member), __VA_ARGS__ }

const struct schema_field search_parameters[] = {
    ROW(pattern, STRING, .required = true, .text = "The regular expression."),
    ROW(strings, STRINGS, .required = true, .text = "The strings."),
    ROW(python, STRING, .text = "Which Python, as for compile."),
    ROW(timeout_ms, INT, .min = 0, .max = INT_MAX, .preset = -1, .fallback = COMPILE_TIMEOUT_DEFAULT_MS,
        .text = "Counted from the start of the search; 0: none."),
};
/* clang-format on */

const size_t search_parameter_count = sizeof search_parameters / sizeof *search_parameters;

int search_request_decode(const cJSON *params, struct search_request *request, char **why) {
    *request = (struct search_request){0};
    schema_init(search_parameters, search_parameter_count, request);
    return schema_decode(search_parameters, search_parameter_count, params, request, why);
}
