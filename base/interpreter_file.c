/* The program is judged by its ELF header: it is not run. */
#include "base/interpreter_file.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/python_version.h"

#define CFG_LINE_MAX 4096
#define SEGMENTS_MAX 64
#define CFG_DEPTH_MAX 8

/* Cuts the path at its last slash; "/" stays. Returns false where nothing is left to cut. */
static bool interpreter_up(char *path) {
    char *slash = strrchr(path, '/');
    if (slash == NULL || strcmp(path, "/") == 0)
        return false;
    slash[slash == path] = '\0';
    return true;
}

/* The value of "KEY = VALUE" at the place of its first character; NULL: the line has another key. Keys are compared
 * without case, as Python does. */
static char *cfg_value(char *line, const char *key) {
    line += strspn(line, " \t");
    if (strncasecmp(line, key, strlen(key)) != 0)
        return NULL;
    line += strlen(key);
    line += strspn(line, " \t");
    if (*line != '=')
        return NULL;
    line += 1 + strspn(line + 1, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

/* What pyvenv.cfg says of the base. */
struct cfg {
    char *home;
    char *python; /* pythonX.Y, or NULL */
};

static bool cfg_read(const char *path, struct cfg *cfg) {
    char line[CFG_LINE_MAX];
    struct python_version version;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    *cfg = (struct cfg){0};
    if (file == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char *home = cfg_value(line, "home");
        char *text = home ? NULL : cfg_value(line, "version_info");
        text = home || text ? text : cfg_value(line, "version");
        if (home != NULL && cfg->home == NULL && *home == '/')
            cfg->home = xstrdup(home);
        if (text != NULL && cfg->python == NULL && python_version_parse(text, &version))
            cfg->python = xasprintf("python%u.%u", version.major, version.minor);
    }
    fclose(file);
    return true;
}

static void cfg_deinit(struct cfg *cfg) {
    free(cfg->home);
    free(cfg->python);
}

/* Whether the file can be run, and is of the version that pyvenv.cfg names, if it names one: by its own name. */
static bool interpreter_fits(const char *path, const char *python) {
    char *real = access(path, X_OK) == 0 ? realpath(path, NULL) : NULL;
    bool fits = real != NULL;
    if (fits && python != NULL) {
        size_t len = strlen(python);
        const char *name = strrchr(real, '/') + 1;
        fits = strncmp(name, python, len) == 0 && !isdigit((unsigned char)name[len]);
    }
    free(real);
    return fits;
}

/* The interpreter in that folder; the caller frees; NULL: there is none. */
static char *interpreter_in(const struct cfg *cfg) {
    const char *names[] = {cfg->python, "python3", "python"};
    for (size_t i = 0; cfg->home != NULL && i < sizeof names / sizeof *names; i++) {
        char *path = names[i] ? xasprintf("%s/%s", cfg->home, names[i]) : NULL;
        if (path != NULL && interpreter_fits(path, cfg->python))
            return path;
        free(path);
    }
    return NULL;
}

char *interpreter_file_base(const char *environment) {
    char *path = xasprintf("%s/pyvenv.cfg", environment);
    struct cfg cfg;
    char *base = cfg_read(path, &cfg) ? interpreter_in(&cfg) : NULL;
    cfg_deinit(&cfg);
    free(path);
    return base;
}

/* Whether `named` is in a virtual environment; *base is then its base, which the caller frees, or NULL where that is
 * gone. pyvenv.cfg stands beside the executable or one folder up. */
static bool interpreter_is_in_environment(const char *named, char **base) {
    char *folder = xstrdup(named);
    bool found = false;
    *base = NULL;
    for (int i = 0; !found && i < 2 && interpreter_up(folder); i++) {
        char *path = xasprintf("%s/pyvenv.cfg", folder);
        found = access(path, F_OK) == 0;
        if (found)
            *base = interpreter_file_base(folder);
        free(path);
    }
    free(folder);
    return found;
}

/* The executable at the end of links and environments; the caller frees. NULL with a sentence in *why. */
static char *interpreter_real_path(const char *named, char **why) {
    char *path = xstrdup(named), *base;
    bool is_real = false;
    for (int depth = 0; depth < CFG_DEPTH_MAX; depth++) {
        if (interpreter_is_in_environment(path, &base)) {
            is_real = false;
        } else if (is_real) {
            return path;
        } else {
            base = realpath(path, NULL);
            is_real = true;
        }
        free(path);
        path = base;
        if (path == NULL)
            break;
    }
    *why = is_real && path == NULL ? xasprintf("%s: %s", named, strerror(errno))
                                   : xasprintf("%s is in a virtual environment whose base interpreter is gone", named);
    free(path);
    return NULL;
}

/* Why that file or folder may not be trusted; the caller frees. NULL: it may. */
static char *interpreter_distrust(const char *path, const struct stat *st) {
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return xasprintf("%s belongs to another user (uid %lu): only an interpreter of one's own or of root's is run",
                         path, (unsigned long)st->st_uid);
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
        return xasprintf("%s may be written to by other users (chmod go-w %s)", path, path);
    return NULL;
}

/* Judges the file and the folders above it. */
static char *interpreter_distrust_all(const char *real) {
    char *path = xstrdup(real), *why = NULL;
    struct stat st;
    do
        why = lstat(path, &st) < 0 ? xasprintf("%s: %s", path, strerror(errno)) : interpreter_distrust(path, &st);
    while (why == NULL && interpreter_up(path));
    free(path);
    return why;
}

/* The path of the dynamic linker that the program asks for, in `text`; "" where it asks for none. Returns false where
 * the file cannot be read. */
static bool elf_linker(int fd, const ElfW(Ehdr) * header, char *text, size_t size) {
    ElfW(Phdr) segment;
    text[0] = '\0';
    for (unsigned i = 0; i < header->e_phnum && i < SEGMENTS_MAX; i++) {
        if (pread(fd, &segment, sizeof segment, (off_t)(header->e_phoff + i * sizeof segment)) != sizeof segment)
            return false;
        if (segment.p_type != PT_INTERP || segment.p_filesz >= size)
            continue;
        ssize_t len = pread(fd, text, segment.p_filesz, (off_t)segment.p_offset);
        text[len > 0 ? len : 0] = '\0';
        return len > 0;
    }
    return true;
}

/* The header of this program, for what machine it is. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* Why no object can be loaded into the program; NULL: it can. */
static const char *elf_refuse(int fd) {
    ElfW(Ehdr) header;
    char linker[PATH_MAX];
    if (pread(fd, &header, sizeof header, 0) != sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return "is a script or no program: name the interpreter's executable itself";
    if (header.e_ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
        header.e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] || header.e_machine != __ehdr_start.e_machine)
        return "is a program for another architecture";
    if (header.e_phentsize != sizeof(ElfW(Phdr)) || !elf_linker(fd, &header, linker, sizeof linker))
        return "is no program that can be read";
    if (linker[0] == '\0')
        return "is linked statically: no host can be loaded into it";
    const char *slash = strrchr(linker, '/');
    if (strncmp(slash ? slash + 1 : linker, "ld-musl", strlen("ld-musl")) == 0)
        return "is built for the C library musl, and this pycompiled for glibc";
    return NULL;
}

static const char *interpreter_refuse(int fd, const struct stat *st) {
    char value[1];
    if (!S_ISREG(st->st_mode))
        return "is no file that can be run";
    if ((st->st_mode & (S_ISUID | S_ISGID)) != 0)
        return "has a set-user-ID or set-group-ID bit";
    if ((st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return "may not be executed";
    if (fgetxattr(fd, "security.capability", value, 0) > 0)
        return "has file capabilities: nothing can be loaded into it";
    return elf_refuse(fd);
}

/* Opens and judges the executable, and notes which it is. */
static char *interpreter_judge(const char *real, struct interpreter_file *file) {
    struct stat st;
    int fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return xasprintf("%s: %s", real, strerror(errno));
    const char *refusal = fstat(fd, &st) == 0 ? interpreter_refuse(fd, &st) : strerror(errno);
    close(fd);
    if (refusal != NULL)
        return xasprintf("%s %s", real, refusal);
    file->path = xstrdup(real);
    file->device = st.st_dev;
    file->inode = st.st_ino;
    file->size = st.st_size;
    file->mtime = st.st_mtim;
    return NULL;
}

int interpreter_file_find(const char *named, struct interpreter_file *file, char **why) {
    *file = (struct interpreter_file){0};
    char *real = interpreter_real_path(named, why);
    if (real == NULL)
        return -ENOENT;
    *why = interpreter_distrust_all(real);
    if (*why == NULL)
        *why = interpreter_judge(real, file);
    free(real);
    return *why == NULL ? 0 : -EACCES;
}

void interpreter_file_deinit(struct interpreter_file *file) {
    free(file->path);
    *file = (struct interpreter_file){0};
}

bool interpreter_file_same(const struct interpreter_file *a, const struct interpreter_file *b) {
    return strcmp(a->path, b->path) == 0 && a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}
