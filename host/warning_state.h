/* The warnings module of this thread's interpreter, made to behave for each job as in a fresh interpreter that was
 * started with the job's -W options. */
#pragma once

#include <stdbool.h>

#include <Python.h>
#include <cjson/cJSON.h>

#include "host/source_lines.h"

/* The file whose compile may warn. */
struct warning_subject {
    const char *filename; /* co_filename */
    const char *shown_as; /* the name that warnings show instead, or NULL */
    const char *data; /* the bytes that linecache would read under `filename`, or NULL: it has to read them itself */
    size_t len;
    bool is_nowhere; /* linecache finds no file under `filename`, so there are no lines */
    bool refuse;     /* a warning whose line is not at hand ends the compile with an exception */
};

/* The warnings of a job. */
struct warning_outcome {
    PyObject *list; /* a new reference, or NULL with an exception set: see warning_state_take() */
    bool warned;    /* there was a warning, perhaps a refused one */
    bool refused;   /* see warning_subject.refuse */
    bool looked_up; /* linecache was asked for a line */
    bool marked;    /* a warning was shown, and the source has a byte order mark */
};

struct warning_state {
    PyObject *module;
    PyObject *base_filters;    /* list: the filters at start-up */
    PyObject *filters_mutated; /* callable */
    PyObject *setoption;
    PyObject *formatwarnmsg;
    PyObject *once_registry;  /* dict */
    Py_ssize_t once_size;     /* size of once_registry at the last look */
    PyObject *caller_globals; /* of the module that calls the compiler, borrowed */
    Py_ssize_t caller_size;   /* size of its warning registry at the last look */
    PyObject *recorded;       /* list: the warnings of this job */
    size_t recorded_size;     /* bytes that they take in an answer, roughly */
    unsigned long omitted;    /* warnings of this job beyond the limit */
    PyObject *recorder;
    const struct warning_subject *subject;
    PyObject *filename; /* of the subject */
    PyObject *shown_as; /* of the subject, or NULL */
    PyObject *decoded;  /* the subject's source in UTF-8, where it is in another encoding, or NULL */
    struct source_lines lines;
    enum source_lines_status lines_status;
    bool lines_wanted; /* a warning of this job wanted a line: `lines` is made */
    bool looked_up;
    bool refused;
    PyObject *absent;  /* set: names of modules that are not to be found */
    PyObject *options; /* tuple: the options of which the filters are made; NULL: unknown */
    PyObject *invalid; /* list: a message for each option that is not valid */
};

/* Bytes that the warnings of a job may take in its answer. Each has its whole source line, so a source of a single long
 * line could make an answer that grows with the square of its length. */
#define WARNINGS_SIZE_MAX ((size_t)8 << 20)

enum warning_step {
    WARNING_READY,
    WARNING_NEEDS_IMPORT, /* an option makes Python import a module, which would outlast the job */
    WARNING_BROKEN,       /* with an exception set */
};

/* Takes over the warnings module. Returns false with an exception set on failure. The state must stay at its address as
 * long as the interpreter lives. */
bool warning_state_init(struct warning_state *state);

/* Before a job: sets the filters for these options (an array of strings, or NULL). The subject is borrowed until
 * warning_state_take(). */
enum warning_step warning_state_prepare(struct warning_state *state, const cJSON *options, bool may_import,
                                        const struct warning_subject *subject);

/* After a job for which warning_state_prepare() returned WARNING_READY. The list has a string for each option that is
 * not valid, which says why; then, in the order of showing, a tuple for each warning: the warnings.WarningMessage, the
 * text for stderr, and whether the action "once" showed it (a process that compiles more files would not show it
 * again); and last, if warnings were left out because the others reach WARNINGS_SIZE_MAX, their number, an int. */
struct warning_outcome warning_state_take(struct warning_state *state);

/* The warnings that came since warning_state_take(), in its form: making the text of a SyntaxError compiles pieces of
 * the source from 3.14 on. A new reference to a list, or NULL with an exception set. */
PyObject *warning_state_take_rest(struct warning_state *state);
