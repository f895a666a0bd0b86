/* Members are those of proto/openrpc.json.in. */
#include "client/results/finding.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "proto/rpc.h"

static void findings_add(struct findings *findings, const struct finding *finding) {
    findings->list = xrealloc(findings->list, (findings->count + 1) * sizeof *findings->list);
    findings->list[findings->count++] = *finding;
}

static int64_t finding_number(const cJSON *object, const char *name) {
    return json_get_integer(object, name, 1, INT_MAX, 0);
}

static const char *first_of(const char *text, const char *otherwise) {
    return text != NULL && *text != '\0' ? text : otherwise;
}

static void findings_add_error(struct findings *findings, const cJSON *error) {
    int code = (int)json_get_integer(error, "code", INT_MIN, INT_MAX, 0);
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(error, "data");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(data, "exc_value");
    const char *message = json_get_string(error, "message"), *msg = json_get_string(data, "msg");
    struct finding finding = {.is_error = true, .kind = rpc_code_name(code), .text = msg};
    finding.message = first_of(message, finding.kind);
    if (code == RPC_PY_COMPILE_ERROR) {
        finding.kind = first_of(json_get_string(data, "exc_type_name"), finding.kind);
        finding.message = first_of(json_get_string(value, "msg"), finding.kind);
        finding.line = finding_number(value, "lineno");
        finding.column = finding.line ? finding_number(value, "offset") : 0;
        finding.end_line = finding.column ? finding_number(value, "end_lineno") : 0;
        finding.end_column = finding.end_line ? finding_number(value, "end_offset") : 0;
    } else if (code == RPC_OS_ERROR) {
        finding.kind = first_of(json_get_string(data, "type"), finding.kind);
        finding.message = first_of(msg, finding.message);
    }
    bool is_backward =
        finding.end_line < finding.line || (finding.end_line == finding.line && finding.end_column < finding.column);
    if (is_backward || finding.end_column == 0)
        finding.end_line = finding.end_column = 0;
    findings_add(findings, &finding);
}

/* An entry without a category is a note about the interpreter's options. */
static void findings_add_warnings(struct findings *findings, const cJSON *holder) {
    const cJSON *warning;
    cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(holder, "warnings")) {
        const char *category = json_get_string(warning, "category");
        if (category == NULL)
            continue;
        findings_add(findings, &(struct finding){
                                   .kind = category,
                                   .message = first_of(json_get_string(warning, "message"), category),
                                   .text = json_get_string(warning, "text"),
                                   .line = finding_number(warning, "lineno"),
                               });
    }
}

/* Most results have no warnings: then no tree is built. */
static bool has_findings(struct json_span answer, bool failed) {
    if (failed)
        return true;
    struct json_span warnings = json_member(answer.text, answer.len, "warnings");
    return warnings.text != NULL && !json_span_is(warnings, "[]");
}

void findings_init(struct findings *findings, struct json_span answer, bool failed) {
    const char *why;
    *findings = (struct findings){0};
    if (!has_findings(answer, failed))
        return;
    findings->tree = json_parse(answer.text, answer.len, &why);
    if (failed)
        findings_add_error(findings, findings->tree);
    findings_add_warnings(findings, failed ? cJSON_GetObjectItemCaseSensitive(findings->tree, "data") : findings->tree);
}

void findings_deinit(struct findings *findings) {
    cJSON_Delete(findings->tree);
    free(findings->list);
    *findings = (struct findings){0};
}
