/* One run: filters, compile(), marshal, warnings; then the judgement of whether the bytes are exact. */
#include "host/compiler.h"
#include "cache/canonical.h"

#include <marshal.h>

#include "host/exactness.h"
#include "host/fresh_state.h"
#include "host/interned.h"
#include "host/latin_letters.h"
#include "host/warning_state.h"

/* The collector runs once in this many jobs, between two of them. */
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
    struct interned *interned; /* or NULL */
    Py_ssize_t modules;        /* that are imported in a fresh process */
    PyObject *clearcache;      /* linecache.clearcache, once that is loaded, or NULL */
    PyObject *py_compile_error;
    PyObject *fix_filename; /* _imp._fix_co_filename, where letters are shared, or NULL */
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
        (compiler->py_compile_error = get("py_compile", "PyCompileError")) == NULL ||
        (latin_letters_are_shared() && (compiler->fix_filename = get("_imp", "_fix_co_filename")) == NULL))
        return NULL;
    if (!pristine)
        collect(); /* garbage holds names, which a later job would set free */
    collector_turn_off();
    compiler->modules = PyDict_GET_SIZE(PyImport_GetModuleDict());
    compiler->interned = pristine ? NULL : interned_find();
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

/* One run of the compiler. */
struct run {
    const struct compile_input *input;
    const char *compile_as; /* co_filename; where it is not the input's, that is the one to show */
    bool in_place;          /* the bytes must be exact, and others were compiled before */
    bool as_fresh;          /* with the interned strings of a fresh process */
    bool latin;             /* with names that latin_letters.h is about */
    bool names_later;       /* the code gets the input's name after it was compiled as another */
};

/* The canonical form of a stream, whose reference is taken; NULL stays NULL. */
static PyObject *make_canonical(PyObject *stream) {
    if (stream == NULL)
        return NULL;
    struct buffer form = {0};
    PyObject *bytes = NULL;
    if (canonical_stream(PyBytes_AS_STRING(stream), (size_t)PyBytes_GET_SIZE(stream), PY_MINOR_VERSION, &form))
        bytes = PyBytes_FromStringAndSize(form.data, (Py_ssize_t)form.len);
    else
        PyErr_SetString(PyExc_ValueError, "the code has no canonical form");
    buffer_deinit(&form);
    Py_DECREF(stream);
    return bytes;
}

static PyObject *marshal_for(const struct run *run, PyObject *code) {
    if (!run->input->exact_bytes)
        return Py_INCREF(Py_None), Py_None;
    if (run->input->is_canonical)
        return make_canonical(marshal_code(code));
    if (run->latin)
        return marshal_code(code);
    latin_letters_hold();
    PyObject *bytes = marshal_code(code);
    latin_letters_release();
    return bytes;
}

/* Gives the code and all code in it the input's name, which is put in the place of *filename. Takes the code. */
static PyObject *name_code(const struct compiler *compiler, const struct run *run, PyObject *code,
                           PyObject **filename) {
    PyObject *name = PyUnicode_DecodeFSDefault(run->input->filename);
    bool fine = name != NULL && discard(PyObject_CallFunctionObjArgs(compiler->fix_filename, code, name, NULL));
    Py_XSETREF(*filename, name);
    if (!fine)
        Py_CLEAR(code);
    return code;
}

/* Compiles and marshals, as far as that goes. Returns the code, or NULL. */
static PyObject *compile_and_marshal(struct compiler *compiler, const struct run *run, struct compile_output *output) {
    /* py_compile still holds the name when it marshals: its reference makes it a FLAG_REF one. */
    PyObject *filename = PyUnicode_DecodeFSDefault(run->compile_as);
    PyObject *code = make_code(compiler, run->input, filename);
    if (code != NULL && run->names_later)
        code = name_code(compiler, run, code, &filename);
    if (code != NULL)
        output->bytes = marshal_for(run, code);
    if (output->bytes == NULL)
        output->exception = take_exception();
    Py_XDECREF(filename);
    return code;
}

/* Drops names that are alive by chance. Up to 3.10 the bytes show whether a name is alive, and the cache of attribute
 * lookups holds the last names of earlier jobs. */
static void forget_names(void) {
#if PY_VERSION_HEX < 0x030B0000
    PyType_ClearCache();
#endif
}

/* The lines of warnings are given to the warnings module where that leaves the interpreter as a fresh one: not up
 * to 3.10, where the bytes show every name that is alive, and not in a pristine process, which does as a fresh one
 * does. */
static struct warning_subject make_subject(const struct compiler *compiler, const struct run *run) {
    const struct compile_input *input = run->input;
    bool at_hand = !compiler->pristine && EXACTNESS_LINES_AT_HAND;
    bool renamed = run->compile_as != input->filename;
    return (struct warning_subject){
        .filename = run->compile_as,
        .shown_as = renamed ? input->filename : NULL,
        .data = input->is_file && at_hand ? input->data : NULL,
        .len = input->len,
        .is_nowhere = input->is_nowhere && at_hand,
        .refuse = run->in_place,
    };
}

static enum compile_status status_of(const struct compile_output *output, bool has_code) {
    if (output->exception == NULL)
        return COMPILE_DONE;
    if (!PyErr_GivenExceptionMatches(output->exception, PyExc_Exception))
        return COMPILE_BROKEN;
    return has_code ? COMPILE_UNMARSHALLABLE : COMPILE_FAILED;
}

/* Whether what came of the run is what a fresh process gives. If not, sets output->cause. */
static enum exactness judge(const struct compiler *compiler, const struct run *run, struct compile_output *output,
                            PyObject *code) {
    const struct warning_outcome *warnings = &output->warnings;
    output->cause = RPC_EXACT_WARNINGS;
    if (compiler->pristine)
        return EXACTNESS_SURE;
    if (warnings->refused || (warnings->looked_up && run->input->path != NULL))
        return EXACTNESS_NONE;
    if (!run->in_place || output->bytes == NULL || run->input->is_canonical)
        return EXACTNESS_SURE;
    enum exactness exactness = exactness_of_code(code, warnings, compiler->modules);
    output->cause = RPC_EXACT_INTERNED;
    return exactness == EXACTNESS_INTERNED && run->as_fresh ? EXACTNESS_SURE : exactness;
}

/* Compiles, with the filters set, and makes the output. Sets *exactness. */
static enum compile_status compile_prepared(struct compiler *compiler, const struct run *run,
                                            struct compile_output *output, enum exactness *exactness) {
    output->cause = RPC_EXACT_INTERNED;
    if (run->as_fresh && !interned_enter(compiler->interned))
        return COMPILE_INEXACT;
    if (run->latin)
        latin_letters_begin();
    PyObject *code = compile_and_marshal(compiler, run, output);
    if (run->latin)
        latin_letters_end();
    output->warnings = warning_state_take(&compiler->warnings);
    if (output->warnings.list == NULL)
        PyErr_Clear(); /* no memory: the result counts for more */
    if (output->warnings.looked_up || output->exception != NULL)
        forget_lines(compiler);
    enum compile_status status = status_of(output, code != NULL);
    *exactness = judge(compiler, run, output, code);
    Py_XDECREF(code);
    if (run->as_fresh)
        interned_leave(compiler->interned);
    return status;
}

static enum compile_status run_compiler(struct compiler *compiler, const struct run *run, struct compile_output *output,
                                        enum exactness *exactness) {
    struct warning_subject subject = make_subject(compiler, run);
    *output = (struct compile_output){0};
    *exactness = EXACTNESS_NONE;
    if (run->in_place)
        forget_names();
    enum warning_step step =
        warning_state_prepare(&compiler->warnings, run->input->warnings, compiler->pristine, &subject);
    output->cause = RPC_EXACT_OPTIONS;
    if (step == WARNING_NEEDS_IMPORT)
        return COMPILE_INEXACT;
    if (step == WARNING_BROKEN) {
        output->exception = take_exception();
        return COMPILE_BROKEN;
    }
    enum compile_status status = compile_prepared(compiler, run, output, exactness);
    return *exactness == EXACTNESS_SURE ? status : COMPILE_INEXACT;
}

/* Whether the exception is a SyntaxError about the file, so that its source line was searched for on the disk. */
static bool shows_line(PyObject *exception) {
    if (exception == NULL || !PyErr_GivenExceptionMatches(exception, PyExc_SyntaxError))
        return false;
    PyObject *filename = PyObject_GetAttrString(exception, "filename");
    PyErr_Clear();
    bool shows = filename != NULL && filename != Py_None;
    Py_XDECREF(filename);
    return shows;
}

/* Puts `name` for `path` into an error that was made under that name. */
static bool rename_error(PyObject *exception, const char *path, const char *name) {
    PyObject *old = PyUnicode_DecodeFSDefault(path), *new = PyUnicode_DecodeFSDefault(name);
    PyObject *message = PyObject_GetAttrString(exception, "msg");
    PyObject *renamed =
        old && new &&message &&PyUnicode_Check(message) ? PyUnicode_Replace(message, old, new, -1) : NULL;
    bool fine = renamed != NULL && PyObject_SetAttrString(exception, "msg", renamed) == 0 &&
                PyObject_SetAttrString(exception, "filename", new) == 0;
    PyErr_Clear();
    Py_XDECREF(old);
    Py_XDECREF(new);
    Py_XDECREF(message);
    Py_XDECREF(renamed);
    return fine;
}

/* Compiles a file with an error once more, under a name by which the compiler finds the line to show. */
static enum compile_status run_by_path(struct compiler *compiler, const struct run *run,
                                       struct compile_output *output) {
    const struct compile_input *input = run->input;
    struct run again = *run;
    enum exactness exactness;
    again.compile_as = input->path;
    compile_output_deinit(output);
    enum compile_status status =
        input->name_matters ? COMPILE_INEXACT : run_compiler(compiler, &again, output, &exactness);
    output->cause = RPC_EXACT_ERRORS;
    bool fine = status == COMPILE_FAILED && rename_error(output->exception, input->path, input->filename);
    return fine ? COMPILE_FAILED : COMPILE_INEXACT;
}

/* Whether the run gave what it gives under any name. */
static bool is_quiet(enum compile_status status, const struct compile_output *output) {
    return status == COMPILE_DONE && !output->warnings.warned;
}

/* Whether compiling with the interned strings of a fresh process gives its bytes. */
static bool may_run_as_fresh(const struct compiler *compiler, const struct compile_input *input) {
    return compiler->interned != NULL && !input->is_canonical && !exactness_source_imports(input->data, input->len);
}

/* For the line of an error or of a warning the compiler reads the file that it is given the name of, which may take for
 * ever (a FIFO). Where others wait meanwhile it is given a name that no file has, and what fails or warns is left to
 * a pristine process. */
enum compile_status compiler_run(struct compiler *compiler, const struct compile_input *input,
                                 struct compile_output *output) {
    struct run run = {.input = input, .compile_as = input->filename};
    enum exactness exactness;
    run.in_place = !compiler->pristine && input->exact_bytes;
    *output = (struct compile_output){0};
    if (++compiler->runs % COLLECT_EVERY == 0)
        collect();
    output->cause = RPC_EXACT_NAMES;
    run.latin = !compiler->pristine && exactness_source_is_tainting(input->data, input->len, input->filename);
    run.names_later = run.latin && latin_letters_are_shared();
    if (run.latin && (!latin_letters_may_run(input->len) || (run.names_later && input->name_matters)))
        return COMPILE_INEXACT;
    if (run.names_later)
        run.compile_as = COMPILER_NO_FILE;
    output->cause = RPC_EXACT_INTERNED;
    run.as_fresh =
        run.in_place && exactness_source_is_doubtful(input->data, input->len) && may_run_as_fresh(compiler, input);
    enum compile_status status = run_compiler(compiler, &run, output, &exactness);
    if (exactness == EXACTNESS_INTERNED && may_run_as_fresh(compiler, input)) {
        run.as_fresh = true;
        compile_output_deinit(output);
        status = run_compiler(compiler, &run, output, &exactness);
    }
    if (run.names_later && status != COMPILE_INEXACT && !is_quiet(status, output)) {
        output->cause = RPC_EXACT_NAMES;
        return COMPILE_INEXACT;
    }
    if (status == COMPILE_FAILED && !compiler->pristine && input->path != NULL && shows_line(output->exception))
        status = run_by_path(compiler, &run, output);
    return status;
}

void compile_output_deinit(struct compile_output *output) {
    Py_CLEAR(output->bytes);
    Py_CLEAR(output->exception);
    Py_CLEAR(output->warnings.list);
}

/* From 3.14 on the words of a SyntaxError ask the module _suggestions for keywords. It does not declare that it runs in
 * an interpreter with its own GIL, and would be missing there; it has no state, so it does run. */
static void load_suggestions(void) {
#if PY_VERSION_HEX >= 0x030E0000
    static const char override[] = "_override_multi_interp_extensions_check";
    if (PyDict_GetItemString(PyImport_GetModuleDict(), "_suggestions") != NULL)
        return;
    PyObject *imp = PyImport_ImportModule("_imp");
    PyObject *before = imp ? PyObject_CallMethod(imp, override, "i", -1) : NULL; /* none in a main interpreter */
    PyObject *module = before ? PyImport_ImportModule("_suggestions") : NULL;
    PyErr_Clear();
    PyObject *after = before ? PyObject_CallMethod(imp, override, "O", before) : NULL;
    PyErr_Clear();
    Py_XDECREF(after);
    Py_XDECREF(module);
    Py_XDECREF(before);
    Py_XDECREF(imp);
#endif
}

PyObject *compiler_error_text(struct compiler *compiler, PyObject *exception, PyObject *file, PyObject **warnings) {
    load_suggestions();
    PyObject *error =
        PyObject_CallFunctionObjArgs(compiler->py_compile_error, (PyObject *)Py_TYPE(exception), exception, file, NULL);
    PyObject *text = error ? PyObject_GetAttrString(error, "msg") : NULL;
    Py_XDECREF(error);
    *warnings = text ? warning_state_take_rest(&compiler->warnings) : NULL;
    return text;
}
