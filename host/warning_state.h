/* The warnings module of this thread's interpreter, made to behave for each job as in a fresh interpreter that was
 * started with the job's -W options. */
#pragma once

#include <stdbool.h>

#include <Python.h>
#include <cjson/cJSON.h>

struct warning_state {
    PyObject *module;
    PyObject *base_filters;    /* list: the filters at start-up */
    PyObject *filters_mutated; /* callable */
    PyObject *setoption;
    PyObject *formatwarnmsg;
    PyObject *once_registry;  /* dict */
    Py_ssize_t once_size;     /* of it, when it was last looked at */
    PyObject *caller_globals; /* of the module that calls the compiler, borrowed */
    Py_ssize_t caller_size;   /* of its registry, when it was last looked at */
    PyObject *recorded;       /* list: what this job has warned of */
    PyObject *recorder;
    bool refuse; /* the job's to set: the first warning is to end it, as an exception */
    bool refused;
    PyObject *options; /* tuple: the filters are made of these now; NULL: unknown */
    PyObject *invalid; /* list: what was said of each of them that is not valid */
};

enum warning_step {
    WARNING_READY,
    WARNING_NEEDS_IMPORT, /* an option names what must be imported: that would outlast the job */
    WARNING_BROKEN,       /* with an exception set */
};

/* Takes the module over. Returns false with an exception set. The state stays where it is, as long as its interpreter.
 */
bool warning_state_init(struct warning_state *state);

/* Before a job: the filters of these options (an array of strings, or NULL). */
enum warning_step warning_state_prepare(struct warning_state *state, const cJSON *options, bool may_import);

/* After it: a list, a new reference, or NULL with an exception set: a string for each option that is not valid, which
 * says why, then a tuple for each warning in the order they were shown: warnings.WarningMessage, the text that stderr
 * would have got, and whether the action "once" showed it, so that a process that compiles more files would not show it
 * again. *warned: there is one of these. */
PyObject *warning_state_take(struct warning_state *state, bool *warned);
