/* Follows Lib/warnings.py: _processoptions, _setoption. */
#include "host/warning_state.h"

#include <string.h>

/* Whether a registry records that the action "once" showed the warning: its key has text and category, and no line. */
static bool has_shown_once(PyObject *registry, PyObject *message) {
    PyObject *warning = PyObject_GetAttrString(message, "message"),
             *category = PyObject_GetAttrString(message, "category");
    PyObject *text = warning ? PyObject_Str(warning) : NULL;
    PyObject *key = text && category ? PyTuple_Pack(2, text, category) : NULL;
    bool shown = key != NULL && PyDict_GetItemWithError(registry, key) != NULL;
    PyErr_Clear();
    Py_XDECREF(key);
    Py_XDECREF(text);
    Py_XDECREF(category);
    Py_XDECREF(warning);
    return shown;
}

/* The registry of the module that calls the compiler, or NULL if it has none yet. */
static PyObject *caller_registry(const struct warning_state *state) {
    PyObject *registry = PyDict_GetItemString(state->caller_globals, "__warningregistry__");
    return registry != NULL && PyDict_Check(registry) ? registry : NULL;
}

/* Whether the warning is about the calling module itself, as those of codecs written in C are. */
static bool is_of_caller(PyObject *message) {
    PyObject *filename = PyObject_GetAttrString(message, "filename");
    const char *text = filename != NULL && PyUnicode_Check(filename) ? PyUnicode_AsUTF8(filename) : NULL;
    bool own = text != NULL && strncmp(text, "<frozen ", strlen("<frozen ")) == 0;
    PyErr_Clear();
    Py_XDECREF(filename);
    return own;
}

static bool has_grown(PyObject *registry, Py_ssize_t *known) {
    Py_ssize_t size = registry != NULL ? PyDict_GET_SIZE(registry) : 0;
    bool grown = size > *known;
    *known = size;
    return grown;
}

/* Whether the action "once" shows the current warning. Then its registry has grown; or, if the compiler warns in the
 * name of the calling module (3.13.4 to 3.13.9 and 3.14.0: cpython issues 131927 and 139640), that module's. */
static bool is_once(struct warning_state *state, PyObject *message) {
    PyObject *callers = caller_registry(state);
    bool once = has_grown(state->once_registry, &state->once_size);
    bool by_caller = has_grown(callers, &state->caller_size);
    return once || (by_caller && !is_of_caller(message) && has_shown_once(callers, message));
}

/* Whether the warning is about a piece of the subject that traceback has compiled to say what an error may mean (from
 * 3.14 on). The filters are exchanged for that, which voids the registries: what was shown once is shown again. */
static bool is_of_guess(const struct warning_state *state, PyObject *message) {
    PyObject *filename = PyObject_GetAttrString(message, "filename");
    const char *text = filename != NULL && PyUnicode_Check(filename) ? PyUnicode_AsUTF8(filename) : NULL;
    bool guess = text != NULL && strcmp(text, "<input>") == 0 &&
                 (state->filename == NULL || PyUnicode_Compare(filename, state->filename) != 0);
    PyErr_Clear();
    Py_XDECREF(filename);
    return guess;
}

/* Decodes the subject's source, as linecache does. */
static enum source_lines_status decode_lines(struct warning_state *state) {
    const struct warning_subject *subject = state->subject;
    PyObject *text = PyUnicode_Decode(subject->data, (Py_ssize_t)subject->len, state->lines.encoding, "strict");
    bool unreadable = text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError);
    state->decoded = text ? PyUnicode_AsUTF8String(text) : NULL;
    PyErr_Clear();
    Py_XDECREF(text);
    if (state->decoded == NULL)
        return unreadable ? SOURCE_LINES_NONE : SOURCE_LINES_UNKNOWN;
    source_lines_use(&state->lines, PyBytes_AS_STRING(state->decoded), (size_t)PyBytes_GET_SIZE(state->decoded));
    return SOURCE_LINES_READY;
}

static enum source_lines_status make_lines(struct warning_state *state) {
    const struct warning_subject *subject = state->subject;
    if (subject->is_nowhere)
        return SOURCE_LINES_NONE;
    enum source_lines_status status = source_lines_init(&state->lines, subject->data, subject->len);
    if (status == SOURCE_LINES_NONE && PY_VERSION_HEX >= 0x030E0000)
        return SOURCE_LINES_UNKNOWN; /* tokenize of 3.14 reads declarations that earlier ones give up on */
    return status == SOURCE_LINES_ENCODED ? decode_lines(state) : status;
}

/* Whether linecache would have the lines that are at hand; makes them at the first call. */
static bool has_lines(struct warning_state *state) {
    const struct warning_subject *subject = state->subject;
    if (subject == NULL || (subject->data == NULL && !subject->is_nowhere))
        return false;
    if (!state->lines_wanted)
        state->lines_status = make_lines(state);
    state->lines_wanted = true;
    return state->lines_status != SOURCE_LINES_UNKNOWN;
}

/* The line that linecache has for the warning, a new string, or NULL: the warning is not about the subject, or the line
 * is not at hand (or, with an exception set, there is no memory). */
static PyObject *line_at_hand(struct warning_state *state, PyObject *message) {
    PyObject *filename = PyObject_GetAttrString(message, "filename"),
             *number = PyObject_GetAttrString(message, "lineno");
    const char *name = filename && PyUnicode_Check(filename) ? PyUnicode_AsUTF8(filename) : NULL;
    const char *text = "";
    size_t len = 0;
    PyErr_Clear(); /* a name with surrogates */
    /* Names in angle brackets are no files for linecache. */
    bool nameless = name != NULL && name[0] == '<' && name[strlen(name) - 1] == '>';
    bool known = nameless || (filename != NULL && state->filename != NULL &&
                              PyObject_RichCompareBool(filename, state->filename, Py_EQ) > 0);
    bool found = known && !nameless && state->lines_status == SOURCE_LINES_READY && number != NULL &&
                 PyLong_Check(number) && source_lines_find(&state->lines, PyLong_AsLong(number), &text, &len);
    Py_XDECREF(filename);
    Py_XDECREF(number);
    PyErr_Clear();
    PyObject *line = known ? PyUnicode_DecodeUTF8(text, (Py_ssize_t)len, NULL) : NULL;
    if (line == NULL || !found)
        return line;
    PyObject *newline = PyUnicode_FromString("\n"), *whole = newline ? PyUnicode_Concat(line, newline) : NULL;
    Py_DECREF(line);
    Py_XDECREF(newline);
    return whole;
}

/* Gives the warning its line, so that formatting it does not import linecache and read the file. Returns whether it may
 * be formatted; if not, with an exception set. */
static bool set_line(struct warning_state *state, PyObject *message) {
    PyObject *line = has_lines(state) ? line_at_hand(state, message) : NULL;
    bool fine = line == NULL ? !PyErr_Occurred() : PyObject_SetAttrString(message, "line", line) == 0;
    if (fine && line == NULL && state->subject != NULL && state->subject->refuse) {
        state->refused = true;
        PyErr_SetNone(PyExc_RuntimeError);
        fine = false;
    }
    state->looked_up |= line == NULL;
    Py_XDECREF(line);
    return fine;
}

/* Exchanges the subject's name for the one to be shown. */
static bool set_name(struct warning_state *state, PyObject *message) {
    if (state->shown_as == NULL)
        return true;
    PyObject *filename = PyObject_GetAttrString(message, "filename");
    int same = filename ? PyObject_RichCompareBool(filename, state->filename, Py_EQ) : -1;
    Py_XDECREF(filename);
    return same == 0 || (same > 0 && PyObject_SetAttrString(message, "filename", state->shown_as) == 0);
}

/* Bytes that the warning takes in an answer, roughly: its text holds its message and file name, which are there once
 * more. A control character takes six bytes in JSON. */
static size_t answer_size(PyObject *text) {
    size_t size = 128;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(text); i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(text, i);
        size += c < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    }
    return 2 * size;
}

/* Records a warning. Formatting may read the source through its codec, which may warn in turn; that warning is recorded
 * first. */
static bool record_message(struct warning_state *state, PyObject *message, PyObject *once) {
    if (!set_line(state, message) || !set_name(state, message))
        return false;
    PyObject *text = PyObject_CallFunctionObjArgs(state->formatwarnmsg, message, NULL);
    if (text != NULL && PyUnicode_Check(text))
        state->recorded_size += answer_size(text);
    PyObject *item = text ? PyTuple_Pack(3, message, text, once) : NULL;
    int result = item ? PyList_Append(state->recorded, item) : -1;
    Py_XDECREF(text);
    Py_XDECREF(item);
    return result == 0;
}

/* Replaces warnings._showwarnmsg. */
static PyObject *record(PyObject *capsule, PyObject *message) {
    struct warning_state *state = PyCapsule_GetPointer(capsule, NULL);
    PyObject *once = is_once(state, message) && !is_of_guess(state, message) ? Py_True : Py_False;
    if (state->recorded_size >= WARNINGS_SIZE_MAX)
        state->omitted++;
    else if (!record_message(state, message, once))
        return NULL;
    Py_RETURN_NONE;
}

/* It has the name of the function that it replaces, so that no new name is interned. */
static PyMethodDef record_method = {"_showwarnmsg", record, METH_O, NULL};

static bool release_result(PyObject *result) {
    Py_XDECREF(result);
    return result != NULL;
}

bool warning_state_init(struct warning_state *state) {
    PyObject *module = state->module = PyImport_ImportModule("warnings");
    if (module == NULL)
        return false;
    PyObject *filters = PyObject_GetAttrString(module, "filters");
    state->base_filters = filters ? PySequence_List(filters) : NULL;
    Py_XDECREF(filters);
    state->setoption = PyObject_GetAttrString(module, "_setoption");
    state->formatwarnmsg = PyObject_GetAttrString(module, "_formatwarnmsg");
    state->once_registry = PyObject_GetAttrString(module, "onceregistry");
    state->filters_mutated = PyObject_GetAttrString(module, "_filters_mutated");
    if (state->filters_mutated == NULL) {
        PyErr_Clear(); /* 3.14 renamed it */
        state->filters_mutated = PyObject_GetAttrString(module, "_filters_mutated_lock_held");
    }
    PyObject *caller = PyImport_ImportModule("_frozen_importlib");
    state->caller_globals = caller ? PyModule_GetDict(caller) : NULL;
    Py_XDECREF(caller); /* the module stays imported */
    state->recorded = PyList_New(0);
    state->invalid = PyList_New(0);
    state->absent = PySet_New(NULL);
    PyObject *capsule = PyCapsule_New(state, NULL, NULL);
    state->recorder = capsule ? PyCFunction_New(&record_method, capsule) : NULL;
    Py_XDECREF(capsule);
    return state->caller_globals && state->base_filters && state->setoption && state->formatwarnmsg &&
           state->once_registry && state->filters_mutated && state->recorded && state->invalid && state->absent &&
           state->recorder && PyObject_SetAttrString(module, "_showwarnmsg", state->recorder) == 0;
}

static PyObject *options_tuple(const cJSON *options) {
    PyObject *tuple = PyTuple_New(cJSON_GetArraySize(options));
    Py_ssize_t i = 0;
    const cJSON *option;
    cJSON_ArrayForEach(option, options) {
        PyObject *text = tuple ? PyUnicode_DecodeFSDefault(option->valuestring) : NULL;
        if (text == NULL) {
            Py_CLEAR(tuple);
            break;
        }
        PyTuple_SET_ITEM(tuple, i++, text);
    }
    return tuple;
}

/* A field of an option (action:message:category:module:lineno) by its number, from 0. *len is 0 if there is none. */
static const char *option_field(const char *option, int number, size_t *len) {
    for (; number > 0; number--) {
        option += strcspn(option, ":");
        option += *option == ':';
    }
    *len = strcspn(option, ":");
    return option;
}

/* Names of modules that are remembered as not to be found. */
#define ABSENT_MAX 64

/* Searches for a module that is not imported, without importing it. Returns None where there is none, NULL with an
 * exception set on failure. */
static PyObject *find_spec(PyObject *name) {
    PyObject *importlib = PyImport_ImportModule("_frozen_importlib");
    PyObject *find = importlib ? PyObject_GetAttrString(importlib, "_find_spec") : NULL;
    PyObject *spec = find ? PyObject_CallFunctionObjArgs(find, name, Py_None, NULL) : NULL;
    Py_XDECREF(importlib);
    Py_XDECREF(find);
    return spec;
}

/* Whether there is no module of that name to import. The search path of a host is that of its Python's library. */
static bool is_absent(struct warning_state *state, const char *name, size_t len) {
    PyObject *text = PyUnicode_DecodeUTF8(name, (Py_ssize_t)len, "strict");
    bool absent = text != NULL && PySet_Contains(state->absent, text) > 0;
    if (text != NULL && !absent && PyDict_GetItemWithError(PyImport_GetModuleDict(), text) == NULL) {
        PyObject *spec = find_spec(text);
        absent = spec == Py_None;
        Py_XDECREF(spec);
        if (absent && PySet_GET_SIZE(state->absent) < ABSENT_MAX)
            (void)PySet_Add(state->absent, text); /* else it is searched for again */
    }
    PyErr_Clear();
    Py_XDECREF(text);
    return absent;
}

/* Whether an option makes _setoption() import a module. A category with a dot names one; from 3.11 on an import that
 * fails at once leaves nothing behind. For a message or module it needs re, which a fresh py_compile of 3.9 has not
 * imported. */
static bool needs_import(struct warning_state *state, const char *option) {
    size_t message, category, module;
    option_field(option, 1, &message);
    option_field(option, 3, &module);
    if (PY_VERSION_HEX < 0x030A0000 && (message > 0 || module > 0))
        return true;
    const char *name = option_field(option, 2, &category);
    const char *dot = memchr(name, '.', category);
    return dot != NULL && (PY_VERSION_HEX < 0x030B0000 || !is_absent(state, name, (size_t)(dot - name)));
}

static bool any_needs_import(struct warning_state *state, const cJSON *options) {
    const cJSON *option;
    cJSON_ArrayForEach(option, options) {
        if (needs_import(state, option->valuestring))
            return true;
    }
    return false;
}

/* Sets one option. An invalid one is ignored, and its message kept. */
static bool set_option(struct warning_state *state, PyObject *option) {
    if (release_result(PyObject_CallFunctionObjArgs(state->setoption, option, NULL)))
        return true;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    bool fine = text != NULL && PyList_Append(state->invalid, text) == 0;
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return fine;
}

/* The filters as they are at start-up, then the options in their order. */
static bool make_filters(struct warning_state *state, PyObject *options) {
    PyObject *copy = PySequence_List(state->base_filters);
    PyObject *filters = PyObject_GetAttrString(state->module, "filters");
    bool fine = copy != NULL && filters != NULL && PyList_SetSlice(filters, 0, PyList_GET_SIZE(filters), copy) == 0 &&
                PyList_SetSlice(state->invalid, 0, PyList_GET_SIZE(state->invalid), NULL) == 0;
    Py_XDECREF(copy);
    Py_XDECREF(filters);
    PyDict_Clear(state->once_registry);
    state->once_size = 0;
    for (Py_ssize_t i = 0; fine && i < PyTuple_GET_SIZE(options); i++)
        fine = set_option(state, PyTuple_GET_ITEM(options, i));
    return fine && release_result(PyObject_CallObject(state->filters_mutated, NULL));
}

/* Begins a job: drops the previous job's warnings. */
static bool set_subject(struct warning_state *state, const struct warning_subject *subject) {
    PyList_SetSlice(state->recorded, 0, PyList_GET_SIZE(state->recorded), NULL);
    state->subject = subject;
    state->lines_wanted = state->looked_up = state->refused = false;
    state->recorded_size = 0;
    state->omitted = 0;
    Py_XSETREF(state->filename, PyUnicode_DecodeFSDefault(subject->filename));
    Py_XSETREF(state->shown_as, subject->shown_as ? PyUnicode_DecodeFSDefault(subject->shown_as) : NULL);
    return state->filename != NULL && (state->shown_as != NULL || subject->shown_as == NULL);
}

enum warning_step warning_state_prepare(struct warning_state *state, const cJSON *options, bool may_import,
                                        const struct warning_subject *subject) {
    if (!may_import && any_needs_import(state, options))
        return WARNING_NEEDS_IMPORT;
    PyObject *tuple = options_tuple(options);
    if (tuple == NULL || !set_subject(state, subject)) {
        Py_XDECREF(tuple);
        return WARNING_BROKEN;
    }
    int same = state->options ? PyObject_RichCompareBool(state->options, tuple, Py_EQ) : 0;
    bool fine = same > 0 || (same == 0 && make_filters(state, tuple));
    Py_XDECREF(state->options);
    state->options = tuple;
    return fine ? WARNING_READY : WARNING_BROKEN;
}

static bool append_omitted(const struct warning_state *state, PyObject *all) {
    PyObject *number = PyLong_FromUnsignedLong(state->omitted);
    bool fine = number != NULL && PyList_Append(all, number) == 0;
    Py_XDECREF(number);
    return fine;
}

/* The registries may hold these warnings: the next job makes the filters anew, which voids them. */
static void drop_recorded(struct warning_state *state) {
    PyList_SetSlice(state->recorded, 0, PyList_GET_SIZE(state->recorded), NULL);
    Py_CLEAR(state->options);
    PyObject *callers = caller_registry(state);
    if (callers != NULL)
        PyDict_Clear(callers);
    state->caller_size = 0;
}

struct warning_outcome warning_state_take(struct warning_state *state) {
    Py_ssize_t count = PyList_GET_SIZE(state->recorded);
    struct warning_outcome outcome = {
        .list = PySequence_Concat(state->invalid, state->recorded),
        .warned = count > 0 || state->refused,
        .looked_up = state->looked_up,
        .refused = state->refused,
        .marked = state->lines_wanted && !state->subject->is_nowhere && state->lines.marked,
    };
    if (outcome.list != NULL && state->omitted > 0 && !append_omitted(state, outcome.list))
        Py_CLEAR(outcome.list);
    state->subject = NULL;
    Py_CLEAR(state->decoded);
    Py_CLEAR(state->filename);
    Py_CLEAR(state->shown_as);
    if (outcome.warned)
        drop_recorded(state);
    return outcome;
}

PyObject *warning_state_take_rest(struct warning_state *state) {
    PyObject *rest = PySequence_List(state->recorded);
    if (PyList_GET_SIZE(state->recorded) > 0)
        drop_recorded(state);
    return rest;
}
