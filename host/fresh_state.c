/* Follows Lib/runpy.py: _run_module_as_main, and Lib/py_compile.py: main. */
#include "host/fresh_state.h"

#include <signal.h>

#include <Python.h>

static bool import_all(const char *const *names) {
    for (; *names != NULL; names++) {
        PyObject *module = PyImport_ImportModule(*names);
        if (module == NULL)
            return false;
        Py_DECREF(module); /* sys.modules keeps it */
    }
    return true;
}

#if PY_VERSION_HEX < 0x030B0000

/* Returns whether there is a result, and keeps it for good. */
static bool keep(PyObject *result) {
    return result != NULL;
}

/* Imports the signal module, as CPython does when it starts with signal handlers. The import takes over SIGINT; the old
 * action is restored, since a host is not interrupted. */
static bool import_signal(void) {
    static const char *const names[] = {"_signal", NULL};
    struct sigaction interrupt;
    sigaction(SIGINT, NULL, &interrupt);
    bool fine = import_all(names);
    sigaction(SIGINT, &interrupt, NULL);
    return fine;
}

/* Keeps the code of the module that runs as __main__, as runpy's frame does. */
static bool keep_main_code(void) {
    PyObject *module = PyImport_ImportModule("py_compile");
    PyObject *loader = module ? PyObject_GetAttrString(module, "__loader__") : NULL;
    bool fine = loader != NULL && keep(PyObject_CallMethod(loader, "get_code", "s", "py_compile"));
    Py_XDECREF(loader);
    Py_XDECREF(module);
    return fine;
}

#if PY_VERSION_HEX >= 0x030A0000

static bool add_argument(PyObject *parser, PyObject *names, PyObject *options) {
    PyObject *add = PyObject_GetAttrString(parser, "add_argument");
    PyObject *action = add && names && options ? PyObject_Call(add, names, options) : NULL;
    Py_XDECREF(add);
    Py_XDECREF(names);
    Py_XDECREF(options);
    Py_XDECREF(action); /* the parser keeps it */
    return action != NULL;
}

/* Keeps an argument parser and its result, as main() does. On the way argparse imports its late imports. */
static bool keep_parser(void) {
    PyObject *argparse = PyImport_ImportModule("argparse");
    PyObject *type = argparse ? PyObject_GetAttrString(argparse, "ArgumentParser") : NULL;
    PyObject *nothing = PyTuple_New(0);
    PyObject *options = Py_BuildValue("{ss}", "description", "A simple command-line interface for py_compile module.");
    PyObject *parser = type && nothing && options ? PyObject_Call(type, nothing, options) : NULL;
    bool fine = parser != NULL &&
                add_argument(parser, Py_BuildValue("(ss)", "-q", "--quiet"),
                             Py_BuildValue("{ssss}", "action", "store_true", "help", "Suppress error output")) &&
                add_argument(parser, Py_BuildValue("(s)", "filenames"),
                             Py_BuildValue("{ssss}", "nargs", "+", "help", "Files to compile")) &&
                keep(PyObject_CallMethod(parser, "parse_args", "([s])", "-"));
    Py_XDECREF(argparse);
    Py_XDECREF(type);
    Py_XDECREF(nothing);
    Py_XDECREF(options);
    return fine;
}

#else

static bool keep_parser(void) {
    return true; /* 3.9's main() has none */
}

#endif

static bool keep_what_main_holds(void) {
    return import_signal() && keep_main_code() && keep_parser();
}

#else

static bool keep_what_main_holds(void) {
    return true; /* from 3.11 on none of this changed the bytes of any tested file */
}

#endif

bool fresh_state_make(void) {
    static const char *const names[] = {
        "site",
        "runpy",
        "py_compile",
#if PY_VERSION_HEX >= 0x030A0000
        "argparse",
        "shutil", /* argparse imports it when py_compile adds its arguments */
#endif
        NULL,
    };
    return import_all(names) && keep_what_main_holds();
}
