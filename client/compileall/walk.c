/* Follows Lib/compileall.py: _walk_dir. */
#include "client/compileall/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/compileall/python_text.h"

/* Deeper folders are opened by their path; a descriptor stays open for each of the others. */
#define OPEN_LEVELS_MAX 64

struct name {
    size_t at; /* in the level's text */
    unsigned char type;
};

/* What a look ahead needs of a level. Its memory does not move. */
struct level_ahead {
    struct look_ahead_folder folder;
    const char *text;
    const struct name *names;
};

struct level {
    char *path;
    DIR *dir; /* NULL: not yet read, or opened by its path */
    int fd;   /* of dir, or -1 */
    bool was_read;
    struct buffer text; /* names, each with its NUL */
    struct name *names;
    size_t count, next;
    struct level_ahead *ahead; /* or NULL */
};

struct walk {
    struct look_ahead *ahead; /* or NULL */
    struct level *levels;
    size_t depth, cap;
    size_t levels_max; /* below the first */
    char *path;        /* of the last file that was handed out */
};

static void push(struct walk *walk, char *path) {
    if (walk->depth == walk->cap) {
        walk->cap = walk->cap ? 2 * walk->cap : 16;
        walk->levels = xrealloc(walk->levels, walk->cap * sizeof *walk->levels);
    }
    walk->levels[walk->depth++] = (struct level){.path = path, .fd = -1};
}

static void pop(struct walk *walk) {
    struct level *level = &walk->levels[--walk->depth];
    if (level->ahead != NULL)
        look_ahead_end(walk->ahead, &level->ahead->folder);
    free(level->ahead);
    if (level->dir != NULL)
        closedir(level->dir);
    free(level->path);
    free(level->names);
    buffer_deinit(&level->text);
}

struct walk *walk_new(const char *folder, long levels, struct look_ahead *ahead) {
    struct walk *walk = xcalloc(1, sizeof *walk);
    walk->ahead = ahead;
    walk->levels_max = levels > 0 ? (size_t)levels : 0;
    push(walk, xstrdup(folder));
    return walk;
}

struct walk *walk_free(struct walk *walk) {
    if (walk == NULL)
        return NULL;
    while (walk->depth > 0)
        pop(walk);
    free(walk->levels);
    free(walk->path);
    free(walk);
    return NULL;
}

static int compare(const void *a, const void *b, void *text) {
    const char *names = text;
    return python_text_compare(names + ((const struct name *)a)->at, names + ((const struct name *)b)->at);
}

static bool is_left_out(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "__pycache__") == 0;
}

/* Reads the names. Returns 0 or an errno value. */
static int read_names(struct level *level, DIR *dir) {
    size_t cap = 0;
    struct dirent *entry;
    for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
        if (is_left_out(entry->d_name))
            continue;
        if (level->count == cap) {
            cap = cap ? 2 * cap : 64;
            level->names = xrealloc(level->names, cap * sizeof *level->names);
        }
        level->names[level->count++] = (struct name){level->text.len, entry->d_type};
        buffer_append(&level->text, entry->d_name, strlen(entry->d_name) + 1);
    }
    return errno;
}

/* Opens the folder, relative to its parent's descriptor if that is open. */
static int open_folder(struct walk *walk, const struct level *level) {
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    const struct level *parent = walk->depth > 1 ? level - 1 : NULL;
    if (parent == NULL || parent->fd < 0)
        return open(level->path, flags);
    const char *name = parent->text.data + parent->names[parent->next - 1].at;
    return openat(parent->fd, name, flags);
}

static const char *level_name(const void *names, size_t index) {
    const struct level_ahead *ahead = names;
    return ahead->text + ahead->names[index].at;
}

/* Lets the look ahead begin with a folder that has just been read, or go on with one that the walk has come back to. */
static void look_at_level(struct walk *walk, struct level *level) {
    if (walk->ahead == NULL || level->fd < 0)
        return;
    if (level->ahead == NULL) {
        level->ahead = xcalloc(1, sizeof *level->ahead);
        level->ahead->text = level->text.data;
        level->ahead->names = level->names;
        level->ahead->folder.dir_fd = level->fd;
        level->ahead->folder.count = level->count;
        level->ahead->folder.name = level_name;
        level->ahead->folder.names = level->ahead;
    }
    look_ahead_begin(walk->ahead, &level->ahead->folder);
}

static bool read_level(struct walk *walk, struct level *level) {
    level->was_read = true;
    int fd = open_folder(walk, level);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    int error = read_names(level, dir);
    if (error == 0 && walk->depth <= OPEN_LEVELS_MAX) {
        level->dir = dir;
        level->fd = fd;
    } else {
        closedir(dir);
    }
    if (error == 0 && level->count > 0)
        qsort_r(level->names, level->count, sizeof *level->names, compare, level->text.data);
    if (error == 0)
        look_at_level(walk, level);
    return error == 0;
}

/* Whether it is a folder: DT_DIR, or DT_LNK for a link to one, else DT_REG. */
static unsigned char type_of(const struct walk_entry *entry, unsigned char type) {
    struct stat st;
    if (type != DT_UNKNOWN && type != DT_LNK)
        return type == DT_DIR ? DT_DIR : DT_REG;
    if (fstatat(entry->dir_fd, entry->name, &st, 0) < 0 || !S_ISDIR(st.st_mode))
        return DT_REG;
    if (type == DT_UNKNOWN && fstatat(entry->dir_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return S_ISLNK(st.st_mode) ? DT_LNK : DT_DIR;
    return DT_LNK;
}

/* Takes the next name of the innermost folder. Returns whether there is an entry to hand out. */
static bool take_name(struct walk *walk, struct walk_entry *entry, enum walk_step *step) {
    struct level *level = &walk->levels[walk->depth - 1];
    const struct name *name = &level->names[level->next++];
    const char *text = level->text.data + name->at;
    free(walk->path);
    walk->path = python_text_join(level->path, text);
    bool is_current =
        level->ahead != NULL && look_ahead_is_current(&level->ahead->folder, (size_t)(name - level->names));
    *entry = (struct walk_entry){walk->path, level->fd, text, is_current};
    if (level->fd < 0) {
        entry->dir_fd = AT_FDCWD;
        entry->name = walk->path;
    }
    unsigned char type = type_of(entry, name->type);
    *step = type == DT_DIR ? WALK_LISTING : WALK_FILE;
    if (type == DT_LNK || (type == DT_DIR && walk->depth > walk->levels_max))
        return false;
    if (type == DT_DIR) {
        push(walk, xstrdup(walk->path));
        entry->path = walk->levels[walk->depth - 1].path;
    }
    return true;
}

enum walk_step walk_next(struct walk *walk, struct walk_entry *entry) {
    enum walk_step step;
    while (walk->depth > 0) {
        struct level *level = &walk->levels[walk->depth - 1];
        if (!level->was_read) {
            if (walk->depth == 1 && walk->path == NULL) {
                walk->path = xstrdup(""); /* the first is listed once */
                *entry = (struct walk_entry){level->path, AT_FDCWD, level->path, false};
                return WALK_LISTING;
            }
            if (!read_level(walk, level)) {
                free(walk->path);
                walk->path = xstrdup(level->path);
                pop(walk);
                *entry = (struct walk_entry){walk->path, AT_FDCWD, walk->path, false};
                return WALK_FAILED;
            }
        } else if (level->next == level->count) {
            pop(walk);
            if (walk->depth > 0)
                look_at_level(walk, &walk->levels[walk->depth - 1]);
        } else if (take_name(walk, entry, &step)) {
            return step;
        }
    }
    return WALK_END;
}
