/* Results and errors of a job as JSON, in the form that proto/openrpc.json.in gives them. */
#pragma once

#include <Python.h>
#include <cjson/cJSON.h>

#include "host/compiler.h"
#include "host/pyc_file.h"

/* What is answered: a result, or (code != 0) an error. answer_deinit() frees. */
struct answer {
    cJSON *result;
    int code;
    char *message;
    cJSON *data;
};

void answer_deinit(struct answer *answer);

/* Makes an error. `data` (or NULL) is taken. */
void answer_error(struct answer *answer, int code, const char *message, cJSON *data);

/* Warnings of struct compile_output (or NULL) as an array of the protocol; the caller deletes. */
cJSON *answer_warnings(PyObject *warnings);

/* The result of a compile; `cfile` may be NULL. `warnings` (an array, or NULL) is taken. No interpreter is needed. */
void answer_result(struct answer *answer, const char *cfile, const char *outcome, cJSON *warnings, long elapsed_us);

/* PyCompileError: what the compiler raised for `file`. */
void answer_compile_error(struct answer *answer, struct compiler *compiler, const char *file, PyObject *exception,
                          PyObject *warnings);

/* InternalError with data: what py_compile.compile() lets through as it is, such as marshal's ValueError. */
void answer_other_error(struct answer *answer, PyObject *exception, PyObject *warnings);

/* OSError as Python raises it for an errno value and one or two file names. */
void answer_os_error(struct answer *answer, int error, const char *filename, const char *target);

/* Adds warnings, which it takes, to an error that has none yet; to one without data nothing. */
void answer_add_warnings(struct answer *answer, cJSON *warnings);

/* FileExistsError with nothing but a text. */
void answer_exists_error(struct answer *answer, const char *text);

/* InternalError: an exception that has no place in the protocol; or, NULL, the current one. */
void answer_internal_error(struct answer *answer, PyObject *exception);

/* A string object's bytes as proto/json.h has them, or NULL with an exception set; the caller frees. */
char *answer_string(PyObject *text);
