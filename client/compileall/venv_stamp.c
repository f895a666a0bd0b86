/* A text: a line for the environment and one for the key, then for each distribution a line D and for each folder a
 * line F. */
#include "client/compileall/venv_stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fnv.h"
#include "base/io.h"
#include "cache/folder.h"

#define STAMP_MAX ((size_t)256 << 20)
/* The age at which a stamp is removed when another one is written. */
#define STAMP_OLD_S ((time_t)8 * 7 * 24 * 3600)

static const char head[] = "pycompiled venv 2 ";

/* The name of an environment's stamp in the cache's folder. */
static char *venv_stamp_name(const char *root) {
    return xasprintf(FOLDER_STAMP "%016llx", (unsigned long long)fnv_hash(root, root + strlen(root)));
}

/* The cache's folder, or a negative errno value. */
static int venv_stamp_folder(void) {
    char *why = NULL, *path = folder_locate(NULL);
    int fd = path != NULL ? folder_open(path, &why) : -1;
    free(why);
    free(path);
    return fd;
}

/* Reads the line D at `at`. Returns the text behind it, or NULL. */
static const char *read_block(const char *at, struct venv_block *block) {
    *block = (struct venv_block){.text = at};
    if (strncmp(at, "D ", 2) != 0)
        return NULL;
    at += 2;
    char *end;
    if (!venv_mark_read(&at, &block->record))
        return NULL;
    block->files = strtoull(at, &end, 10);
    if (*end != ' ')
        return NULL;
    block->name = end + 1;
    block->name_len = strcspn(block->name, "\n");
    at = block->folders = block->name + block->name_len + 1;
    while (*at == 'F') {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    block->len = (size_t)(at - block->text);
    return at;
}

static void read_blocks(struct venv_stamp *stamp, const char *at) {
    size_t cap = 0;
    struct venv_block block;
    while (*at != '\0' && (at = read_block(at, &block)) != NULL) {
        if (stamp->count == cap) {
            cap = cap ? 2 * cap : 64;
            stamp->blocks = xrealloc(stamp->blocks, cap * sizeof *stamp->blocks);
        }
        stamp->blocks[stamp->count++] = block;
    }
}

void venv_stamp_read(struct venv_stamp *stamp, const char *root, const char *key) {
    *stamp = (struct venv_stamp){0};
    struct buffer begin = {0};
    char *name = venv_stamp_name(root);
    int folder = venv_stamp_folder();
    bool is_read = folder >= 0 && io_read_file(folder, name, O_NOFOLLOW, STAMP_MAX, &stamp->text) == 0;
    venv_stamp_begin(&begin, root, key);
    /* The last line is whole, or the file is not ours. */
    bool fits = is_read && stamp->text.len >= begin.len && memcmp(stamp->text.data, begin.data, begin.len) == 0 &&
                stamp->text.data[stamp->text.len - 1] == '\n';
    if (fits)
        read_blocks(stamp, buffer_string(&stamp->text) + begin.len);
    if (folder >= 0)
        close(folder);
    buffer_deinit(&begin);
    free(name);
}

void venv_stamp_deinit(struct venv_stamp *stamp) {
    buffer_deinit(&stamp->text);
    free(stamp->blocks);
    *stamp = (struct venv_stamp){0};
}

static int compare_block(const void *name, const void *element) {
    const struct venv_block *block = element;
    int order = strncmp(name, block->name, block->name_len);
    return order != 0 ? order : ((const char *)name)[block->name_len] != '\0';
}

static struct venv_mark mark_of_pycache(int root_fd, const char *folder) {
    char *path = xasprintf("%s/__pycache__", folder);
    struct venv_mark mark = venv_mark_of(root_fd, path);
    free(path);
    return mark;
}

static bool has_folder_changed(int root_fd, const char *line, const char *end) {
    struct venv_mark folder, pycache;
    const char *at = line + 2;
    if (!venv_mark_read(&at, &folder) || !venv_mark_read(&at, &pycache))
        return true;
    char *path = xstrndup(at, (size_t)(end - at));
    struct venv_mark folder_now = venv_mark_of(root_fd, path), pycache_now = mark_of_pycache(root_fd, path);
    free(path);
    return !venv_mark_equal(&folder, &folder_now) || !venv_mark_equal(&pycache, &pycache_now);
}

const struct venv_block *venv_stamp_find(const struct venv_stamp *stamp, int root_fd, const char *name,
                                         const struct venv_mark *record) {
    const struct venv_block *block =
        stamp->count > 0 ? bsearch(name, stamp->blocks, stamp->count, sizeof *stamp->blocks, compare_block) : NULL;
    if (block == NULL || !venv_mark_equal(&block->record, record))
        return NULL;
    const char *end, *stop = block->text + block->len;
    for (const char *line = block->folders; line < stop; line = end + 1) {
        end = line + strcspn(line, "\n");
        if (has_folder_changed(root_fd, line, end))
            return NULL;
    }
    return block;
}

static void append_line(struct buffer *text, const char *line) {
    for (; *line != '\0'; line++)
        buffer_append_char(text, (char)(*line == '\n' ? ' ' : *line));
    buffer_append_char(text, '\n');
}

void venv_stamp_begin(struct buffer *text, const char *root, const char *key) {
    buffer_append_string(text, head);
    append_line(text, root);
    append_line(text, key);
}

/* The line of a folder. */
static void append_folder(struct buffer *text, int root_fd, const char *folder) {
    struct venv_mark mark = venv_mark_of(root_fd, folder), pycache = mark_of_pycache(root_fd, folder);
    buffer_append_string(text, "F ");
    venv_mark_append(&mark, text);
    venv_mark_append(&pycache, text);
    buffer_append_string(text, folder);
    buffer_append_char(text, '\n');
}

static int compare_text(const void *a, const void *b) {
    return strcmp(a, b);
}

/* The folders of the sources, each once and with a line. Returns the number of sources. */
static size_t append_folders(struct buffer *text, int root_fd, const struct buffer *sources) {
    size_t count = 0;
    void *seen = NULL;
    for (size_t at = 0; at < sources->len; at += strlen(sources->data + at) + 1) {
        const char *path = sources->data + at, *slash = strrchr(path, '/');
        char *folder = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
        count++;
        if (*(char **)xtsearch(folder, &seen, compare_text) == folder)
            append_folder(text, root_fd, folder);
        else
            free(folder);
    }
    tdestroy(seen, free);
    return count;
}

void venv_stamp_append(struct buffer *text, int root_fd, const char *name, const struct venv_mark *record,
                       const struct buffer *sources) {
    struct buffer folders = {0};
    bool has_newline =
        strchr(name, '\n') != NULL || (sources->len > 0 && memchr(sources->data, '\n', sources->len) != NULL);
    if (has_newline)
        return;
    size_t files = append_folders(&folders, root_fd, sources);
    buffer_append_string(text, "D ");
    venv_mark_append(record, text);
    buffer_printf(text, "%zu %s\n", files, name);
    buffer_append(text, folders.data, folders.len);
    buffer_deinit(&folders);
}

/* Whether the environment of the stamp is not there any more. Unknown, so false, for a stamp of another format. */
static bool is_orphan(int folder, const char *name) {
    char text[sizeof head + PATH_MAX + 1], *root = text + sizeof head - 1;
    int len = io_read_text(folder, name, O_NOFOLLOW | O_NONBLOCK, text, sizeof text);
    char *end = len > 0 ? strchr(text, '\n') : NULL;
    if (end == NULL || strncmp(text, head, sizeof head - 1) != 0)
        return false;
    *end = '\0';
    char *config = xasprintf("%s/pyvenv.cfg", root);
    bool is_gone = access(config, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR);
    free(config);
    return is_gone;
}

static bool is_stale(int folder, const char *name, void *own) {
    struct stat st;
    if (strcmp(name, own) == 0 || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    return time(NULL) - st.st_mtim.tv_sec > STAMP_OLD_S || is_orphan(folder, name);
}

void venv_stamp_write(const struct buffer *text, const char *root) {
    char *name = venv_stamp_name(root);
    int folder = venv_stamp_folder();
    if (folder >= 0) {
        (void)io_replace_file(folder, name, text->data, text->len); /* the next run looks at everything */
        (void)folder_remove_stamps(folder, is_stale, name);         /* the next one that is written tries again */
        close(folder);
    }
    free(name);
}
