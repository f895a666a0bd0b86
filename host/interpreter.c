/* The order of the calls in interpreter_enter() never failed in thousands of cycles (docs/cpython.md). Sub-interpreters
 * live as long as the process, since ending one leaks (cpython issue 110411). */
#include "host/interpreter.h"

#include <pthread.h>
#include <unistd.h>

#include "base/buffer.h"
#include "host/control.h"
#include "host/python_release.h"

static const char *status_text(PyStatus status) {
    return status.err_msg ? status.err_msg : "CPython could not be initialised";
}

/* Returns NULL, or a message (static or never freed). */
static const char *init_runtime(void) {
    PyPreConfig pre;
    PyPreConfig_InitIsolatedConfig(&pre);
    pre.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&pre);
    if (PyStatus_Exception(status))
        return status_text(status);
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.write_bytecode = 0;
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    config.buffered_stdio = 1;
#if PY_VERSION_HEX < 0x030B0000
    /* marshal writes a frozenset in the order of its hashes, which differs from run to run. This seed is that of
     * PYTHONHASHSEED=0. From 3.11 on marshal sorts. */
    config.use_hash_seed = 1;
    config.hash_seed = 0;
#endif
    status = PyConfig_SetBytesString(&config, &config.program_name, python_executable());
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(&config, &config.executable, python_executable());
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (!PyStatus_Exception(status))
        return NULL;
    /* CPython's words, such as those of a library that cannot be read, name no file. */
    return xasprintf("%s (its executable is %s)", status_text(status), python_executable());
}

void interpreter_init_runtime(int control_fd) {
    static bool done;
    if (done)
        return;
    const char *why = init_runtime();
    if (why != NULL) {
        control_report_failure(control_fd, why);
        _exit(1);
    }
    control_report_ready(control_fd, python_release(), python_executable());
    done = true;
}

#if HOST_HAS_OWN_GIL

static pthread_mutex_t creation = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t runtime_is_up = PTHREAD_COND_INITIALIZER;
static bool is_up;

void interpreter_leave_main(void) {
    PyEval_SaveThread();
    pthread_mutex_lock(&creation);
    is_up = true;
    pthread_cond_broadcast(&runtime_is_up);
    pthread_mutex_unlock(&creation);
}

const char *interpreter_enter(void) {
    PyInterpreterConfig config = {
        .use_main_obmalloc = 0,
        .allow_fork = 0,
        .allow_exec = 0,
        .allow_threads = 1,
        .allow_daemon_threads = 0,
        .check_multi_interp_extensions = 1,
        .gil = PyInterpreterConfig_OWN_GIL,
    };
    pthread_mutex_lock(&creation);
    while (!is_up)
        pthread_cond_wait(&runtime_is_up, &creation);
    PyThreadState *main_state = PyThreadState_New(PyInterpreterState_Main());
    PyEval_RestoreThread(main_state);
    PyThreadState *own_state = NULL;
    PyStatus status = Py_NewInterpreterFromConfig(&own_state, &config);
    const char *failure = NULL;
    if (PyStatus_Exception(status) || own_state == NULL) {
        failure = status_text(status);
        PyEval_SaveThread(); /* still attached to the main one */
    }
    pthread_mutex_unlock(&creation);
    return failure;
}

#else

void interpreter_leave_main(void) {
}

const char *interpreter_enter(void) {
    return "interpreters of this Python share one lock";
}

#endif
