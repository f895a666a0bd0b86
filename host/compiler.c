/* One run: filters, compile(), marshal, warnings; then the judgement of whether the bytes are exact. */
#include "host/compiler.h"

#include <marshal.h>

#include "host/exactness.h"
#include "host/fresh_state.h"
#include "host/warning_state.h"

/* The collector runs between jobs, once every so many. */
#define COLLECT_EVERY 512

/* The number of frames above compile() in `python -m py_compile` that are missing here, where source_to_code() is
 * called from C. Frames of runpy, the module, main() and py_compile.compile() count against the compiler's recursion
 * limit; from 3.12 on only those that went through C. The numbers were found by trying the deepest `a+a+…` that is
 * accepted. */
#if PY_VERSION_HEX >= 0x030C0000
#define DEPTH_ABOVE 3
#else
#define DEPTH_ABOVE 6
#endif

struct compiler {
    bool pristine;
    PyObject *source_to_code; /* bound */
    PyObject *optimize_names; /* ("_optimize",) */
    struct warning_state warnings;
    PyObject *clearcache; /* linecache.clearcache, once linecache is loaded, or NULL */
    PyObject *py_compile_error;
    unsigned long runs;
};

static PyObject *get(const char *module_name, const char *name) {
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *value = module ? PyObject_GetAttrString(module, name) : NULL;
    Py_XDECREF(module);
    return value;
}

/* By the C API: importing the module gc would bring its names along. */
static void collector_turn_off(void) {
#if PY_VERSION_HEX >= 0x030A0000
    PyGC_Disable();
#endif
}

static void collect(void) {
#if PY_VERSION_HEX >= 0x030A0000
    PyGC_Enable();
    PyGC_Collect();
    PyGC_Disable();
#else
    PyGC_Collect(); /* 3.9 cannot turn it off from C */
#endif
}

static bool make_loader(struct compiler *compiler) {
    PyObject *type = get("importlib._bootstrap_external", "SourceFileLoader");
    PyObject *loader = type ? PyObject_CallFunction(type, "ss", "<py_compile>", "") : NULL;
    compiler->source_to_code = loader ? PyObject_GetAttrString(loader, "source_to_code") : NULL;
    compiler->optimize_names = Py_BuildValue("(s)", "_optimize");
    Py_XDECREF(type);
    Py_XDECREF(loader);
    return compiler->source_to_code != NULL && compiler->optimize_names != NULL;
}

/* The Python library at run time must have the magic number that the build has seen: .pyc files and cache keys carry
 * it. */
static bool check_magic(void) {
    if ((PyImport_GetMagicNumber() & 0xffffffffL) == (long)HOST_PYTHON_MAGIC)
        return true;
    PyErr_SetString(PyExc_ImportError, "this host was built for another release of Python");
    return false;
}

struct compiler *compiler_new(bool pristine) {
    struct compiler *compiler = xcalloc(1, sizeof *compiler);
    compiler->pristine = pristine;
    /* The compiler lives as long as its interpreter. A half-made one is not freed: the process ends then. */
    if (!fresh_state_make() || !make_loader(compiler) || !warning_state_init(&compiler->warnings) || !check_magic() ||
        (compiler->py_compile_error = get("py_compile", "PyCompileError")) == NULL)
        return NULL;
    if (!pristine)
        collect(); /* garbage holds names, which a later job would set free */
    collector_turn_off();
    return compiler;
}

static bool discard(PyObject *result) {
    Py_XDECREF(result);
    return result != NULL;
}

/* Drops the cached source lines that earlier warnings and errors have shown. */
static void forget_lines(struct compiler *compiler) {
    if (compiler->clearcache == NULL) {
        PyObject *modules = PyImport_GetModuleDict();
        PyObject *module = modules ? PyDict_GetItemString(modules, "linecache") : NULL;
        if (module == NULL)
            return;
        compiler->clearcache = PyObject_GetAttrString(module, "clearcache");
    }
    if (compiler->clearcache == NULL || !discard(PyObject_CallObject(compiler->clearcache, NULL)))
        PyErr_Clear();
}

static PyObject *take_exception(void) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

static PyObject *call_compiler(struct compiler *compiler, PyObject *source, PyObject *filename, PyObject *optimize) {
    PyObject *args[] = {source, filename, optimize};
    int entered = 0;
    while (entered < DEPTH_ABOVE && Py_EnterRecursiveCall("") == 0)
        entered++;
    PyObject *code = PyObject_Vectorcall(compiler->source_to_code, args, 2, compiler->optimize_names);
    while (entered-- > 0)
        Py_LeaveRecursiveCall();
    return code;
}

static PyObject *make_code(struct compiler *compiler, const struct compile_input *input, PyObject *filename) {
    Py_ssize_t len = (Py_ssize_t)input->len;
    PyObject *source = input->is_text ? PyUnicode_DecodeUTF8(input->data, len, "surrogateescape")
                                      : PyBytes_FromStringAndSize(input->data, len);
    PyObject *optimize = PyLong_FromLong(input->optimize);
    PyObject *code = source && filename && optimize ? call_compiler(compiler, source, filename, optimize) : NULL;
    Py_XDECREF(source);
    Py_XDECREF(optimize);
    return code;
}

/* Marshals the code. marshal flags the top object by its reference count, which is at least two in py_compile up to
 * 3.14, and one in later versions. */
static PyObject *marshal_code(PyObject *code) {
#if PY_VERSION_HEX < 0x030F0000
    Py_INCREF(code);
#endif
    PyObject *bytes = PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION);
#if PY_VERSION_HEX < 0x030F0000
    Py_DECREF(code);
#endif
    return bytes;
}

/* Compiles and, if that succeeds, marshals. Returns whether the bytes are those of a fresh interpreter. */
static bool compile_and_marshal(struct compiler *compiler, const struct compile_input *input,
                                struct compile_output *output, bool *unmarshallable) {
    /* py_compile still holds the name when it marshals; this reference gives the name FLAG_REF. */
    PyObject *filename = PyUnicode_DecodeFSDefault(input->filename);
    PyObject *code = make_code(compiler, input, filename);
    if (code != NULL)
        output->bytes = input->exact_bytes ? marshal_code(code) : (Py_INCREF(Py_None), Py_None);
    if (output->bytes == NULL)
        output->exception = take_exception();
    *unmarshallable = code != NULL && output->bytes == NULL;
    bool exact = compiler->pristine || code == NULL || !input->exact_bytes || exactness_of_code(code);
    Py_XDECREF(filename);
    Py_XDECREF(code);
    return exact;
}

/* Drops names that are alive by chance. Up to 3.10 the bytes show whether a name is alive, and the cache of attribute
 * lookups holds the last names of earlier jobs. */
static void forget_names(void) {
#if PY_VERSION_HEX < 0x030B0000
    PyType_ClearCache();
#endif
}

enum compile_status compiler_run(struct compiler *compiler, const struct compile_input *input,
                                 struct compile_output *output) {
    *output = (struct compile_output){0};
    if (++compiler->runs % COLLECT_EVERY == 0)
        collect();
    bool in_place = !compiler->pristine && input->exact_bytes;
    if (in_place && (exactness_source_is_tainting(input->data, input->len, input->filename) ||
                     exactness_source_is_doubtful(input->data, input->len)))
        return COMPILE_INEXACT;
    if (in_place)
        forget_names();
    compiler->warnings.refuse = in_place; /* a compile that has warned is not exact */
    enum warning_step step = warning_state_prepare(&compiler->warnings, input->warnings, compiler->pristine);
    if (step == WARNING_NEEDS_IMPORT)
        return COMPILE_INEXACT;
    if (step == WARNING_BROKEN) {
        output->exception = take_exception();
        return COMPILE_BROKEN;
    }
    bool unmarshallable, warned;
    bool exact = compile_and_marshal(compiler, input, output, &unmarshallable);
    output->warnings = warning_state_take(&compiler->warnings, &warned);
    if (output->warnings == NULL)
        PyErr_Clear(); /* no memory for the warnings: the result matters more */
    bool shown = warned || output->exception != NULL;
    if (shown)
        forget_lines(compiler);
    if (!compiler->pristine && (!exact || (shown && !input->exact_text) || (warned && in_place)))
        return COMPILE_INEXACT;
    if (output->exception == NULL)
        return COMPILE_DONE;
    if (!PyErr_GivenExceptionMatches(output->exception, PyExc_Exception))
        return COMPILE_BROKEN;
    return unmarshallable ? COMPILE_UNMARSHALLABLE : COMPILE_FAILED;
}

void compile_output_deinit(struct compile_output *output) {
    Py_CLEAR(output->bytes);
    Py_CLEAR(output->exception);
    Py_CLEAR(output->warnings);
}

PyObject *compiler_error_text(struct compiler *compiler, PyObject *exception, PyObject *file) {
    PyObject *error =
        PyObject_CallFunctionObjArgs(compiler->py_compile_error, (PyObject *)Py_TYPE(exception), exception, file, NULL);
    PyObject *text = error ? PyObject_GetAttrString(error, "msg") : NULL;
    Py_XDECREF(error);
    return text;
}
