/* The trial of an interpreter that the build has not seen: the host compiles a small file, the probe, and so does the
 * interpreter's own py_compile in a process of its own. The bytes must be the same, else the host refuses to work: the
 * magic number, the marshal format and the compiler are then proved to be what the host was built for. A process that
 * imports no more than py_compile comes first; where its bytes are others, `python -m py_compile` decides. A trial that
 * went well is remembered in the folder of the cache, by the interpreter's files and the build of the host. */
#pragma once

#include <sys/types.h>

struct trial {
    char *folder; /* temporary */
    char *probe;  /* the source, in it */
    char *ours;   /* where the host is to write its .pyc */
    char *theirs; /* where py_compile writes its own */
    char *record; /* file in which success is remembered, or NULL */
    char *facts;  /* its contents */
    pid_t child;  /* py_compile, without what its main() imports */
    pid_t keeper; /* removes the folder; 0: there is none */
    int alive_fd; /* its end tells the keeper that this process ends, or the trial does */
};

/* Begins the trial of this process's interpreter (python_release.h, python_files.h). `cache`: the folder of the cache,
 * or NULL. Called before there are threads. Returns NULL where such a trial went well before. */
struct trial *trial_begin(const char *cache);

/* Waits for py_compile, compares, and removes the temporary folder. Returns NULL: the bytes are the same; else the
 * reason for which they are not, which the caller frees. To be called once. */
char *trial_judge(struct trial *trial);
