/* Results and errors of a job as JSON, in the form that proto/openrpc.json.in gives them. */
#pragma once

#include <Python.h>
#include <cjson/cJSON.h>

#include "host/compiler.h"
#include "host/pyc_file.h"

/* An answer: a result or, if `code` is not 0, an error. answer_deinit() frees. */
struct answer {
    cJSON *result;
    int code;
    char *message;
    cJSON *data;
};

void answer_deinit(struct answer *answer);

/* Makes an error. Takes `data` (or NULL). */
void answer_error(struct answer *answer, int code, const char *message, cJSON *data);

/* Warnings of struct compile_output (or NULL) as an array of the protocol; the caller deletes. */
cJSON *answer_warnings(PyObject *warnings);

/* Makes the result of a compile; `cfile` may be NULL. Takes `warnings` (an array, or NULL). Needs no interpreter. */
void answer_result(struct answer *answer, const char *cfile, const char *outcome, cJSON *warnings, long elapsed_us);

/* Makes a PyCompileError from the exception that the compiler raised for `file`. */
void answer_compile_error(struct answer *answer, struct compiler *compiler, const char *file, PyObject *exception,
                          PyObject *warnings);

/* Makes an InternalError with data from an exception that py_compile.compile() lets through, such as marshal's
 * ValueError. */
void answer_other_error(struct answer *answer, PyObject *exception, PyObject *warnings);

/* Makes the OSError that Python raises for an errno value and one or two file names. `target` may be NULL. */
void answer_os_error(struct answer *answer, int error, const char *filename, const char *target);

/* Adds warnings to the data of an error that has none yet; an error without data stays as it is. Takes the warnings. */
void answer_add_warnings(struct answer *answer, cJSON *warnings);

/* Makes a FileExistsError that has only a text. */
void answer_exists_error(struct answer *answer, const char *text);

/* Makes an InternalError from an exception that the protocol does not know; NULL: from the current one. */
void answer_internal_error(struct answer *answer, PyObject *exception);

/* The bytes of a string object in the form of proto/json.h, or NULL with an exception set. The caller frees. */
char *answer_string(PyObject *text);
