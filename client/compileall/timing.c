/* The format is "Trace Event Format": a JSON array of complete events ("ph": "X"), with times in microseconds. */
#include "client/compileall/timing.h"

#include <errno.h>
#include <stdlib.h>

int timing_open(struct timing *timing, const char *path) {
    *timing = (struct timing){.file = fopen(path, "we")};
    if (timing->file == NULL)
        return -errno;
    fputs("[", timing->file);
    return 0;
}

static long long number(struct json_span object, const char *name) {
    struct json_span value = json_member(object.text, object.len, name);
    return value.text ? strtoll(value.text, NULL, 10) : 0;
}

void timing_add(struct timing *timing, const char *path, struct json_span answer, const char *outcome) {
    struct json_span trace = answer.text ? json_member(answer.text, answer.len, "trace") : answer;
    if (trace.text == NULL || *trace.text != '{')
        return;
    struct buffer name = {0};
    json_print_string(path, &name);
    fprintf(timing->file,
            "%s\n{\"name\":%s,\"cat\":\"compile\",\"ph\":\"X\",\"ts\":%lld,\"dur\":%lld,\"pid\":%lld,\"tid\":%lld,"
            "\"args\":{\"outcome\":\"%s\"}}",
            timing->any ? "," : "", buffer_string(&name), number(trace, "start_us"), number(trace, "elapsed_us"),
            number(trace, "host"), number(trace, "worker"), outcome);
    timing->any = true;
    buffer_deinit(&name);
}

int timing_close(struct timing *timing) {
    fputs("\n]\n", timing->file);
    bool failed = ferror(timing->file) != 0;
    return fclose(timing->file) != 0 ? -errno : failed ? -EIO : 0;
}
