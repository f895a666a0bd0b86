/* Folders of distributions are NAME-VERSION.dist-info in lib/pythonX.Y/site-packages. An .egg-info there, a folder or a
 * file, is one of an old installer, without a RECORD. */
#include "client/compileall/venv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/python_version.h"
#include "client/compileall/python_text.h"
#include "client/compileall/record.h"

#define CFG_MAX 65536

/* Reads the version of pyvenv.cfg: "version" of venv, "version_info" of virtualenv and uv. */
static void read_version(const char *text, struct python_version *version) {
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, "\n \t");
        size_t len = strcspn(line, " \t=\n");
        bool is_version =
            (len == 7 && strncmp(line, "version", len) == 0) || (len == 12 && strncmp(line, "version_info", len) == 0);
        if (is_version && python_version_parse(line + len + strspn(line + len, " \t="), version))
            return;
    }
}

/* Reads a pyvenv.cfg of this user's or root's: the beginning, if it is long. Returns 0 or a negative errno value:
 * -EPERM if it is another user's. A pipe in its place is not waited for. */
static int read_config(int dir_fd, struct buffer *text) {
    struct stat st;
    int fd = openat(dir_fd, "pyvenv.cfg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = fstat(fd, &st) < 0 ? -errno : !S_ISREG(st.st_mode) ? -EINVAL : 0;
    if (result == 0 && st.st_uid != geteuid() && st.st_uid != 0)
        result = -EPERM;
    if (result == 0)
        result = io_read_all(fd, CFG_MAX, text);
    close(fd);
    return result == -EFBIG ? 0 : result;
}

/* Whether it is an environment of this user's or root's. Sets the version, where it is told. */
static int check_config(const struct venv *venv, struct python_version *version, char **why) {
    struct buffer text = {0};
    int result = read_config(venv->fd, &text);
    if (result == 0)
        read_version(buffer_string(&text), version);
    else if (result == -EPERM)
        *why = xasprintf("%s belongs to another user", venv->path);
    else
        *why = xasprintf("%s is no virtual environment: it has no pyvenv.cfg", venv->path);
    buffer_deinit(&text);
    return result;
}

static void key_text(struct buffer *key, const char *text) {
    buffer_append_char(key, ' ');
    buffer_append_string(key, text ? text : "-");
}

/* All that decides what a run would write. */
static char *make_key(const struct venv *venv, const struct compileall_options *options) {
    struct buffer key = {0};
    struct venv_mark config = venv_mark_of(venv->fd, "pyvenv.cfg"), python = venv_mark_of(venv->fd, "bin/python");
    const struct compile_request *request = &options->shared.request;
    venv_mark_append(&config, &key);
    venv_mark_append(&python, &key);
    buffer_printf(&key, "%d %d %d %d %d", options->legacy, compile_request_mode(request), request->optimize,
                  options->hardlink_dupes, request->canonical);
    for (size_t i = 0; i < options->optimize_count; i++)
        buffer_printf(&key, " %d", options->optimize[i]);
    key_text(&key, options->ddir);
    key_text(&key, options->name.strip);
    key_text(&key, options->name.prepend);
    key_text(&key, options->pattern);
    key_text(&key, options->links_below);
    key_text(&key, request->python);
    key_text(&key, venv->path);
    return buffer_string(&key);
}

static bool ends_with(const char *name, const char *end) {
    size_t len = strlen(name), end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* Reads what a distribution consists of. */
static void read_sources(const struct venv *venv, struct venv_dist *dist, const char *site, const char *record) {
    struct buffer sources = {0};
    struct stat st;
    int result = record_read(venv->fd, record, &sources);
    bool has_none = result == -ENOENT || result == -ENOTDIR;
    dist->why = has_none ? "no RECORD" : result < 0 ? "a RECORD that cannot be read" : NULL;
    for (size_t at = 0; at < sources.len; at += strlen(sources.data + at) + 1) {
        size_t begin = dist->sources.len;
        buffer_printf(&dist->sources, "%s/%s", site, sources.data + at);
        if (fstatat(venv->fd, buffer_string(&dist->sources) + begin, &st, 0) == 0 && S_ISREG(st.st_mode))
            dist->sources.len++; /* with its NUL */
        else
            dist->sources.len = begin;
    }
    buffer_deinit(&sources);
}

static void add_dist(struct venv *venv, const char *site, const char *folder) {
    struct venv_dist dist = {.name = xasprintf("%s/%s", site, folder)};
    char *record = xasprintf("%s/RECORD", dist.name);
    dist.record = venv_mark_of(venv->fd, record);
    if (venv->has_stamp && dist.record.inode != 0)
        dist.block = venv_stamp_find(&venv->stamp, venv->fd, dist.name, &dist.record);
    if (dist.block == NULL)
        read_sources(venv, &dist, site, record);
    else
        venv->unchanged += dist.block->files;
    free(record);
    venv->dists = xrealloc(venv->dists, (venv->count + 1) * sizeof *venv->dists);
    venv->dists[venv->count++] = dist;
}

/* The entries of a folder, or NULL. */
static DIR *open_entries(int dir_fd, const char *path) {
    int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && dir == NULL)
        close(fd);
    return dir;
}

/* Returns whether the folder is there. */
static bool add_site(struct venv *venv, const char *site) {
    DIR *dir = open_entries(venv->fd, site);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (ends_with(entry->d_name, ".dist-info") || ends_with(entry->d_name, ".egg-info"))
            add_dist(venv, site, entry->d_name);
    if (dir == NULL)
        return false;
    closedir(dir);
    return true;
}

/* Whether the name is pythonX.Y with nothing but `suffix` behind it. */
static bool is_library_of(const char *name, const struct python_version *wanted, const char *suffix) {
    struct python_version version;
    if (strncmp(name, "python", 6) != 0 || (*suffix != '\0' && !ends_with(name, suffix)))
        return false;
    char *xy = xstrndup(name + 6, strlen(name + 6) - strlen(suffix));
    bool fits =
        python_version_exact(xy, &version) && (wanted->major == 0 || python_version_compare(&version, wanted) == 0);
    free(xy);
    return fits;
}

/* Looks in `lib`. Returns the number of site-packages. */
static size_t add_sites(struct venv *venv, const char *lib, const struct python_version *wanted, const char *suffix) {
    DIR *dir = open_entries(venv->fd, lib);
    struct dirent *entry;
    size_t count = 0;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (!is_library_of(entry->d_name, wanted, suffix))
            continue;
        char *site = xasprintf("%s/%s/site-packages", lib, entry->d_name);
        count += add_site(venv, site);
        free(site);
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

/* Looks in lib, and in lib64 unless that is a link to lib. The folder pythonX.Yt of a free-threaded Python counts where
 * there is no pythonX.Y. Returns 0, or a negative errno value with a message in *why. */
static int add_all_sites(struct venv *venv, const struct python_version *wanted, char **why) {
    static const char *const suffixes[] = {"", "t"};
    struct venv_mark lib = venv_mark_of(venv->fd, "lib"), lib64 = venv_mark_of(venv->fd, "lib64");
    size_t count = 0;
    for (size_t i = 0; count == 0 && i < sizeof suffixes / sizeof *suffixes; i++) {
        count = add_sites(venv, "lib", wanted, suffixes[i]);
        if (lib64.inode != 0 && lib64.inode != lib.inode)
            count += add_sites(venv, "lib64", wanted, suffixes[i]);
    }
    if (count > 0)
        return 0;
    *why = wanted->major != 0
               ? xasprintf("%s has no lib/python%u.%u/site-packages", venv->path, wanted->major, wanted->minor)
               : xasprintf("%s has no lib/pythonX.Y/site-packages", venv->path);
    return -ENOENT;
}

static int compare_dists(const void *a, const void *b) {
    return strcmp(((const struct venv_dist *)a)->name, ((const struct venv_dist *)b)->name);
}

static void collect_names(struct venv *venv) {
    size_t cap = 0;
    for (size_t i = 0; i < venv->count; i++) {
        const struct buffer *sources = &venv->dists[i].sources;
        for (size_t at = 0; at < sources->len; at += strlen(sources->data + at) + 1) {
            if (venv->name_count == cap) {
                cap = cap ? 2 * cap : 256;
                venv->names = xrealloc(venv->names, cap * sizeof *venv->names);
            }
            venv->names[venv->name_count++] = python_text_join(venv->path, sources->data + at);
        }
    }
}

/* The environment's folder, as somebody says it. */
static const char *named_path(const struct compileall_options *options) {
    const char *active = getenv("VIRTUAL_ENV");
    return options->dest_count > 0 ? options->dests[0] : active != NULL && *active != '\0' ? active : ".venv";
}

int venv_open(struct venv *venv, const struct compileall_options *options, char **why) {
    struct python_version version = {0};
    *venv = (struct venv){.path = xstrdup(named_path(options))};
    venv->fd = open(venv->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    venv->root = venv->fd >= 0 ? realpath(venv->path, NULL) : NULL;
    if (venv->root == NULL) {
        *why = xasprintf("%s: %s", venv->path, strerror(errno));
        return -ENOENT;
    }
    int result = check_config(venv, &version, why);
    if (result < 0)
        return result;
    setenv("VIRTUAL_ENV", venv->root, 1); /* what it is made with is the Python (client/python_wish.h) */
    unsetenv("UV_PYTHON");
    venv->key = make_key(venv, options);
    venv->has_stamp = !options->check && options->shared.request.pycache_prefix == NULL;
    if (venv->has_stamp && !options->force)
        venv_stamp_read(&venv->stamp, venv->root, venv->key);
    result = add_all_sites(venv, &version, why);
    if (result < 0)
        return result;
    if (venv->count > 0)
        qsort(venv->dists, venv->count, sizeof *venv->dists, compare_dists);
    collect_names(venv);
    return 0;
}

void venv_close(struct venv *venv) {
    for (size_t i = 0; i < venv->count; i++) {
        free(venv->dists[i].name);
        buffer_deinit(&venv->dists[i].sources);
    }
    for (size_t i = 0; i < venv->name_count; i++)
        free(venv->names[i]);
    free(venv->dists);
    free(venv->names);
    free(venv->path);
    free(venv->root);
    free(venv->key);
    venv_stamp_deinit(&venv->stamp);
    if (venv->fd >= 0)
        close(venv->fd);
}

/* Whether a source of the distribution has failed; *failed is moved behind it. `name` is the index of its first. */
static bool has_failed(const struct venv *venv, const struct venv_dist *dist, size_t *name, const char **failed,
                       const char *end) {
    bool any = false;
    for (size_t at = 0; at < dist->sources.len; at += strlen(dist->sources.data + at) + 1) {
        if (*failed < end && strcmp(venv->names[*name], *failed) == 0) {
            any = true;
            *failed += strlen(*failed) + 1;
        }
        ++*name;
    }
    return any;
}

/* Whether the stamp says the same already. */
static bool is_as_before(const struct venv *venv) {
    for (size_t i = 0; i < venv->count; i++)
        if (venv->dists[i].block == NULL)
            return false;
    return venv->stamp.count == venv->count;
}

void venv_leave_stamp(const struct venv *venv, const struct buffer *failed) {
    struct buffer text = {0};
    const char *bad = failed->data, *end = failed->data + failed->len;
    size_t name = 0;
    if (!venv->has_stamp || is_as_before(venv))
        return;
    venv_stamp_begin(&text, venv->root, venv->key);
    for (size_t i = 0; i < venv->count; i++) {
        const struct venv_dist *dist = &venv->dists[i];
        bool is_bad = has_failed(venv, dist, &name, &bad, end) || dist->why != NULL;
        char *record = xasprintf("%s/RECORD", dist->name);
        struct venv_mark now = venv_mark_of(venv->fd, record);
        if (dist->block != NULL)
            buffer_append(&text, dist->block->text, dist->block->len);
        else if (!is_bad && venv_mark_equal(&now, &dist->record)) /* else it was installed meanwhile */
            venv_stamp_append(&text, venv->fd, dist->name, &dist->record, &dist->sources);
        free(record);
    }
    venv_stamp_write(&text, venv->root);
    buffer_deinit(&text);
}
