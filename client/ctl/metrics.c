/* pycompilectl metrics: the daemon's metrics as OpenMetrics text, which is Prometheus's own text format, too. Where no
 * daemon runs, that is a metric. */
#include "client/ctl/ctl.h"

#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "proto/json.h"

static const char help[] = "usage: pycompilectl metrics [-h] [--output FILE]\n"
                           "\n"
                           "Print the daemon's metrics as OpenMetrics text. The exit status is 0 where none runs;\n"
                           "then pycompiled_up is 0.\n"
                           "\n"
                           "options:\n"
                           "  -h, --help     show this help message and exit\n"
                           "  --output FILE  replace FILE with the text, at once, instead of printing it\n";

static void metrics_print_escaped(struct buffer *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            buffer_append_string(out, "\\n");
        else if (*text == '\\' || *text == '"')
            buffer_printf(out, "\\%c", *text);
        else
            buffer_append_char(out, *text);
    }
}

/* The labels of a sample, with the bound of a bucket behind them (NULL: none). */
static void metrics_print_labels(struct buffer *out, const cJSON *labels, const char *bound) {
    const cJSON *label;
    const char *separator = "{";
    cJSON_ArrayForEach(label, labels) {
        buffer_printf(out, "%s%s=\"", separator, label->string);
        metrics_print_escaped(out, cJSON_IsString(label) ? label->valuestring : "");
        buffer_append_char(out, '"');
        separator = ",";
    }
    if (bound != NULL)
        buffer_printf(out, "%sle=\"%s\"", separator, bound);
    if (bound != NULL || *separator == ',')
        buffer_append_char(out, '}');
}

/* Whether the number is an integer that a double holds exactly. */
static bool metrics_is_whole(double number) {
    return fabs(number) < 1e15 && number == (double)(int64_t)number;
}

static void metrics_print_number(struct buffer *out, double number) {
    if (metrics_is_whole(number))
        buffer_printf(out, " %.0f\n", number);
    else
        buffer_printf(out, " %.9g\n", number);
}

static void metrics_print_bucket(struct buffer *out, const char *name, const cJSON *labels, const char *bound,
                                 double count) {
    buffer_printf(out, "%s_bucket", name);
    metrics_print_labels(out, labels, bound);
    metrics_print_number(out, count);
}

static void metrics_print_histogram(struct buffer *out, const char *name, const cJSON *sample, const cJSON *labels) {
    const cJSON *bucket, *buckets = cJSON_GetObjectItemCaseSensitive(sample, "buckets");
    double count = json_get_number(sample, "count", 0);
    cJSON_ArrayForEach(bucket, buckets) {
        double bound = cJSON_GetNumberValue(cJSON_GetArrayItem(bucket, 0));
        char *text = xasprintf(metrics_is_whole(bound) ? "%.1f" : "%g", bound);
        metrics_print_bucket(out, name, labels, text, cJSON_GetNumberValue(cJSON_GetArrayItem(bucket, 1)));
        free(text);
    }
    metrics_print_bucket(out, name, labels, "+Inf", count);
    buffer_printf(out, "%s_count", name);
    metrics_print_labels(out, labels, NULL);
    metrics_print_number(out, count);
    buffer_printf(out, "%s_sum", name);
    metrics_print_labels(out, labels, NULL);
    metrics_print_number(out, json_get_number(sample, "sum", 0));
}

static void metrics_print_family(struct buffer *out, const cJSON *family) {
    const char *name = json_get_string(family, "name"), *type = json_get_string(family, "type");
    const char *unit = json_get_string(family, "unit"), *about = json_get_string(family, "help");
    const cJSON *sample, *samples = cJSON_GetObjectItemCaseSensitive(family, "samples");
    if (name == NULL || type == NULL || samples == NULL || samples->child == NULL)
        return;
    buffer_printf(out, "# TYPE %s %s\n", name, type);
    if (unit != NULL && *unit != '\0')
        buffer_printf(out, "# UNIT %s %s\n", name, unit);
    buffer_printf(out, "# HELP %s %s\n", name, about ? about : "");
    cJSON_ArrayForEach(sample, samples) {
        const cJSON *labels = cJSON_GetObjectItemCaseSensitive(sample, "labels");
        if (strcmp(type, "histogram") == 0) {
            metrics_print_histogram(out, name, sample, labels);
            continue;
        }
        buffer_printf(out, "%s%s", name, strcmp(type, "counter") == 0 ? "_total" : "");
        metrics_print_labels(out, labels, NULL);
        metrics_print_number(out, json_get_number(sample, "value", 0));
    }
}

static void metrics_print(struct buffer *out, const cJSON *tree) {
    const cJSON *family, *families = cJSON_GetObjectItemCaseSensitive(tree, "families");
    cJSON_ArrayForEach(family, families)
        metrics_print_family(out, family);
    buffer_append_string(out, "# EOF\n");
}

/* Fills in the text. Returns 0 or an exit status. */
static int metrics_ask(struct buffer *out) {
    static const char absent[] = "# TYPE pycompiled_up gauge\n# HELP pycompiled_up Whether a daemon runs\n"
                                 "pycompiled_up 0\n# EOF\n";
    struct rpc_client client;
    char *why, *path = ctl_socket();
    int running = ctl_connect(&client, path);
    free(path);
    if (running == 0)
        buffer_append_string(out, absent);
    if (running <= 0)
        return running < 0;
    cJSON *tree = rpc_client_call(&client, "metrics", NULL, clock_ms() + CTL_DEADLINE_MS, &why);
    rpc_client_deinit(&client);
    if (tree == NULL)
        return ctl_fail(why);
    metrics_print(out, tree);
    cJSON_Delete(tree);
    return 0;
}

int ctl_metrics(int argc, char **argv) {
    const char *output = NULL;
    struct buffer text = {0};
    ctl_options(argc, argv, &(struct ctl_options){.help = help, .output = &output});
    int status = metrics_ask(&text), error = 0;
    if (status == 0 && output != NULL)
        error = io_replace_file(AT_FDCWD, output, text.data, text.len);
    else if (status == 0)
        fwrite(text.data, 1, text.len, stdout);
    buffer_deinit(&text);
    if (error < 0)
        return ctl_fail(xasprintf("cannot write %s: %s", output, strerror(-error)));
    return ctl_finish(status);
}
