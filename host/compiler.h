/* Compiling one source as `python -m py_compile` does, in the interpreter of this thread. Reads and writes no file:
 * that is compile_job.h's.
 *
 * Everything is called from C, on CPython's own objects. Python code of pycompiled would intern names and change the
 * bytes of later compiles. */
#pragma once

#include <stdbool.h>

#include <Python.h>

#include "base/buffer.h"
#include "host/warning_state.h"
#include "proto/compile_request.h"
#include "proto/rpc.h"

/* A name that no file has. */
#define COMPILER_NO_FILE "/dev/null/source"

struct compiler;

enum compile_status {
    COMPILE_DONE,
    COMPILE_FAILED,         /* an exception of the compiler's: see `exception` */
    COMPILE_UNMARSHALLABLE, /* an exception of marshal's: see `exception` */
    COMPILE_INEXACT,        /* only a pristine process can give a fresh interpreter's bytes or text */
    COMPILE_BROKEN,         /* the interpreter itself failed: `exception` says how */
};

/* The outcome of a compile. The caller calls compile_output_deinit(). */
struct compile_output {
    PyObject *bytes;     /* the marshalled code, or NULL */
    PyObject *exception; /* or NULL */
    struct warning_outcome warnings;
    enum rpc_exact_cause cause; /* of COMPILE_INEXACT */
};

/* The source and how it is compiled. `data` is text (UTF-8) if is_text, else the bytes of a file. */
struct compile_input {
    const char *data;
    size_t len;
    bool is_text;
    const char *filename; /* co_filename */
    int optimize;
    const cJSON *warnings; /* -W options, or NULL */
    bool exact_bytes;      /* the bytes will be written, so they must be a fresh interpreter's */
    bool is_canonical;     /* with exact_bytes: only the code must be a fresh interpreter's, as its canonical form is
                              written */
    bool is_file;          /* linecache would read the same data under `filename` */
    bool is_nowhere;       /* linecache would find no file under `filename` */
    const char *path;      /* `filename` as an absolute path, where this process would not find the file under
                            * `filename`; else NULL */
    bool name_matters;     /* a filter of warnings may depend on `filename` */
};

/* Makes the compiler of the calling thread's interpreter, and imports what py_compile imports. `pristine`: the process
 * compiles nothing else, so nothing is ever inexact. Returns NULL with an exception set on failure. */
struct compiler *compiler_new(bool pristine);

enum compile_status compiler_run(struct compiler *compiler, const struct compile_input *input,
                                 struct compile_output *output);
void compile_output_deinit(struct compile_output *output);

/* PyCompileError(type(exception), exception, file).msg. Returns a new string object or NULL with an exception set. Sets
 * *warnings to a new list of the warnings that making it gave (warning_state_take_rest()), or NULL. */
PyObject *compiler_error_text(struct compiler *compiler, PyObject *exception, PyObject *file, PyObject **warnings);
