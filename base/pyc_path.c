/* Follows Lib/importlib/_bootstrap_external.py: cache_from_source, _path_join, _path_split. */
#include "base/pyc_path.h"

#include <string.h>

#include "base/buffer.h"

/* The name in the cache: the part of the source's name before its last dot, or the part behind it if the first one is
 * empty. A name without a dot gets no dot before the tag either. */
static void pyc_path_append_name(struct buffer *out, const char *tail, const char *tag, int optimize) {
    const char *dot = strrchr(tail, '.');
    if (dot == NULL)
        buffer_append_string(out, tail);
    else if (dot == tail)
        buffer_printf(out, "%s.", tail + 1);
    else
        buffer_append(out, tail, (size_t)(dot - tail) + 1);
    buffer_append_string(out, tag);
    if (optimize > 0)
        buffer_printf(out, ".opt-%d", optimize);
    buffer_append_string(out, ".pyc");
}

/* Appends a part of _path_join() and a slash. An empty part is left out, and slashes at the part's own end are dropped.
 * A part of nothing but slashes counts as the root. */
static void append_part(struct buffer *out, const char *part, size_t len) {
    if (len == 0)
        return;
    while (len > 0 && part[len - 1] == '/')
        len--;
    buffer_append(out, part, len);
    buffer_append_char(out, '/');
}

/* The same for a part below a prefix: the slashes at its front are dropped first. */
static void append_below(struct buffer *out, const char *part, size_t len) {
    while (len > 0 && *part == '/')
        part++, len--;
    append_part(out, part, len);
}

char *pyc_path(const char *file, const char *tag, int optimize, const char *prefix, const char *cwd, bool strip_dot) {
    struct buffer out = {0};
    const char *slash = strrchr(file, '/');
    const char *tail = slash ? slash + 1 : file;
    size_t head_len = slash ? (size_t)(slash - file) : 0; /* 0 for "/x.py", as in importlib */
    if (prefix == NULL || *prefix == '\0') {
        append_part(&out, file, head_len);
        buffer_append_string(&out, "__pycache__/");
    } else {
        append_part(&out, prefix, strlen(prefix));
        if (head_len == 0 || file[0] != '/') {
            append_below(&out, cwd ? cwd : "", cwd ? strlen(cwd) : 0);
            if (strip_dot && head_len >= 2 && file[0] == '.' && file[1] == '/') {
                file += 2;
                head_len -= 2;
            }
            append_part(&out, file, head_len);
        } else {
            append_below(&out, file, head_len);
        }
    }
    pyc_path_append_name(&out, tail, tag, optimize);
    return buffer_string(&out);
}

char *pyc_path_legacy(const char *file) {
    return xasprintf("%sc", file);
}
