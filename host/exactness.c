/* docs/exactness.md lists the causes. */
#include "host/exactness.h"

#include <string.h>

#include "host/source_scan.h"

/* co_filename is interned like a name. */
static bool is_latin_letter(const char *filename) {
    return strlen(filename) == 2 && ((unsigned char)filename[0] & 0xfe) == 0xc2;
}

#if PY_VERSION_HEX < 0x030B0000

/* Some sources make the compiler import modules, which stay, and their names with them: unicodedata for \N{...} and for
 * identifiers that are not ASCII, a codec for a declared encoding. Any other byte that is not ASCII counts as one of
 * these, since a pristine process costs little. */
bool exactness_source_is_tainting(const char *data, size_t len, const char *filename) {
    if (is_latin_letter(filename))
        return true;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)data[i] >= 0x80)
            return true;
    const char *end = memchr(data, '\n', len);
    end = end ? memchr(end + 1, '\n', len - (size_t)(end + 1 - data)) : NULL;
    return memmem(data, len, "\\N{", 3) != NULL || memmem(data, end ? (size_t)(end - data) : len, "coding", 6) != NULL;
}

#else

/* From 3.13 on all strings of one Latin-1 character are interned ones from the start. */
bool exactness_source_is_tainting(const char *data, size_t len, const char *filename) {
    return PY_VERSION_HEX < 0x030D0000 &&
           (source_scan_has_latin_name(data, len, PY_VERSION_HEX >= 0x030C0000) || is_latin_letter(filename));
}

#endif

bool exactness_source_is_doubtful(const char *data, size_t len) {
    return PY_VERSION_HEX >= 0x030C0000 && source_scan_has_equal_sets(data, len);
}

bool exactness_source_imports(const char *data, size_t len) {
    return source_scan_encoding(data, len) == SOURCE_ENCODING_OTHER || memmem(data, len, "\\N{", 3) != NULL ||
           source_scan_has_other_name(data, len, PY_VERSION_HEX >= 0x030C0000);
}

#if PY_VERSION_HEX >= 0x030B0000

/* Equal frozensets among the constants of a code object and of those within it. */
enum equal_sets {
    EQUAL_SETS_NONE,
    EQUAL_SETS_ONE,    /* always one object */
    EQUAL_SETS_COPIED, /* some are several objects */
};

/* Notes each frozenset in `seen`. Returns false with an exception set. */
static bool visit_constant(PyObject *constant, PyObject *seen, enum equal_sets *found);

static bool visit_tuple(PyObject *tuple, PyObject *seen, enum equal_sets *found) {
    for (Py_ssize_t i = 0; *found != EQUAL_SETS_COPIED && i < PyTuple_GET_SIZE(tuple); i++)
        if (!visit_constant(PyTuple_GET_ITEM(tuple, i), seen, found))
            return false;
    return true;
}

static bool visit_constant(PyObject *constant, PyObject *seen, enum equal_sets *found) {
    if (PyCode_Check(constant))
        return visit_tuple(((PyCodeObject *)constant)->co_consts, seen, found);
    if (PyTuple_CheckExact(constant))
        return visit_tuple(constant, seen, found);
    if (!PyFrozenSet_CheckExact(constant))
        return true;
    PyObject *other = PyDict_GetItemWithError(seen, constant);
    if (other == NULL)
        return !PyErr_Occurred() && PyDict_SetItem(seen, constant, constant) == 0;
    *found = other == constant ? EQUAL_SETS_ONE : EQUAL_SETS_COPIED;
    return true;
}

/* Equal frozensets are one object at first. Each code object gets a copy of its own where one of the strings in it was
 * interned before, as another object. Here at least the strings of a fresh process are interned, so that what is one
 * object here is one there, unless showing a warning interns more. */
static enum equal_sets find_equal_sets(PyObject *code) {
    enum equal_sets found = EQUAL_SETS_NONE;
    PyObject *seen = PyDict_New();
    if (seen == NULL || !visit_constant(code, seen, &found)) {
        PyErr_Clear();
        found = EQUAL_SETS_COPIED;
    }
    Py_XDECREF(seen);
    return found;
}

#endif

#if PY_VERSION_HEX >= 0x030D0000

/* Whether linecache or a module that it imports to show a line has functions of qualified names that begin so. */
static bool is_of_linecache(PyObject *qualname) {
    static const char *const heads[] = {"TokenInfo.", "Untokenizer.", "detect_encoding.", "lazycache.", "main."};
    const char *text = PyUnicode_AsUTF8(qualname);
    PyErr_Clear(); /* a surrogate */
    for (size_t i = 0; text != NULL && i < sizeof heads / sizeof *heads; i++)
        if (strncmp(text, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

/* Judges the code objects of classes within classes or functions. Their qualified name is a constant, too, and both are
 * one interned string, unless the name was interned before: then the constant is a plain string. */
static enum exactness judge_qualnames(PyObject *code, bool warned) {
    PyCodeObject *object = (PyCodeObject *)code;
    enum exactness worst = EXACTNESS_SURE;
    for (Py_ssize_t i = 0; worst != EXACTNESS_NONE && i < PyTuple_GET_SIZE(object->co_consts); i++) {
        PyObject *constant = PyTuple_GET_ITEM(object->co_consts, i);
        enum exactness one = EXACTNESS_SURE;
        if (PyCode_Check(constant))
            one = judge_qualnames(constant, warned);
        else if (PyUnicode_CheckExact(constant) && PyUnicode_Compare(constant, object->co_qualname) == 0)
            one = warned && is_of_linecache(constant) ? EXACTNESS_NONE
                  : constant != object->co_qualname   ? EXACTNESS_INTERNED
                                                      : EXACTNESS_SURE;
        worst = one > worst ? one : worst;
    }
    return worst;
}

/* Showing a warning imports tokenize in a fresh process, and not here. */
enum exactness exactness_of_code(PyObject *code, const struct warning_outcome *warnings, Py_ssize_t fresh) {
    enum equal_sets sets = find_equal_sets(code);
    if (sets != EQUAL_SETS_NONE && warnings->warned)
        return EXACTNESS_NONE;
    if (sets == EQUAL_SETS_COPIED)
        return EXACTNESS_INTERNED;
    return warnings->marked ? EXACTNESS_NONE : judge_qualnames(code, warnings->warned);
}

#elif PY_VERSION_HEX >= 0x030C0000

enum exactness exactness_of_code(PyObject *code, const struct warning_outcome *warnings, Py_ssize_t fresh) {
    enum equal_sets sets = find_equal_sets(code);
    if (sets != EQUAL_SETS_NONE && warnings->marked)
        return EXACTNESS_NONE;
    return sets == EQUAL_SETS_COPIED ? EXACTNESS_INTERNED : EXACTNESS_SURE;
}

#elif PY_VERSION_HEX >= 0x030B0000

/* Values within values of a module that are looked at: deeper ones are none of the codecs' and unicodedata's. */
#define NESTING_MAX 8

static bool add_names(PyObject *names, PyObject *value, int nesting);

static bool add_names_of_items(PyObject *names, PyObject *dict, int nesting) {
    PyObject *key, *value;
    for (Py_ssize_t position = 0; PyDict_Next(dict, &position, &key, &value);)
        if (!add_names(names, key, nesting) || !add_names(names, value, nesting))
            return false;
    return true;
}

static bool add_names_of_code(PyObject *names, PyCodeObject *code, int nesting) {
    PyObject *const holders[] = {code->co_consts, code->co_names,    code->co_localsplusnames,
                                 code->co_name,   code->co_qualname, code->co_filename};
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++)
        if (!add_names(names, holders[i], nesting))
            return false;
    return true;
}

/* Adds the strings that a value holds, which may be interned ones. */
static bool add_names(PyObject *names, PyObject *value, int nesting) {
    if (PyUnicode_Check(value))
        return PySet_Add(names, value) == 0;
    if (nesting++ == NESTING_MAX)
        return true;
    if (PyDict_Check(value))
        return add_names_of_items(names, value, nesting);
    if (PyType_Check(value))
        return add_names_of_items(names, ((PyTypeObject *)value)->tp_dict, nesting);
    if (PyFunction_Check(value))
        return add_names(names, PyFunction_GET_CODE(value), nesting);
    if (PyCode_Check(value))
        return add_names_of_code(names, (PyCodeObject *)value, nesting);
    for (Py_ssize_t i = 0; PyTuple_Check(value) && i < PyTuple_GET_SIZE(value); i++)
        if (!add_names(names, PyTuple_GET_ITEM(value, i), nesting))
            return false;
    return true;
}

/* The names that the modules after the first `fresh` hold, as a set, borrowed; NULL with an exception set on failure.
 * Modules stay imported, in the order of their import. */
static PyObject *imported_names(Py_ssize_t fresh) {
    static PyObject *names;
    static Py_ssize_t known; /* modules */
    PyObject *modules = PyImport_GetModuleDict(), *name, *module;
    if (known == PyDict_GET_SIZE(modules))
        return names;
    Py_XSETREF(names, PySet_New(NULL));
    known = 0;
    Py_ssize_t count = 0;
    for (Py_ssize_t position = 0; names != NULL && PyDict_Next(modules, &position, &name, &module);)
        if (count++ >= fresh &&
            (!add_names(names, name, 0) || (PyModule_Check(module) && !add_names(names, PyModule_GetDict(module), 0))))
            Py_CLEAR(names);
    known = names ? PyDict_GET_SIZE(modules) : 0;
    return names;
}

/* Whether a string in a frozenset among the constants is one of these names. Errs towards true. */
static bool has_set_with_name(PyObject *constant, PyObject *names, bool in_set) {
    bool found = false;
    if (PyUnicode_Check(constant))
        return in_set && PySet_Contains(names, constant) != 0;
    if (PyCode_Check(constant))
        return has_set_with_name(((PyCodeObject *)constant)->co_consts, names, false);
    for (Py_ssize_t i = 0; !found && PyTuple_CheckExact(constant) && i < PyTuple_GET_SIZE(constant); i++)
        found = has_set_with_name(PyTuple_GET_ITEM(constant, i), names, in_set);
    if (PyFrozenSet_CheckExact(constant)) {
        PyObject *members = PySequence_Tuple(constant);
        found = members == NULL || has_set_with_name(members, names, true);
        Py_XDECREF(members);
    }
    return found;
}

/* Whether a set depends on a name of a module that was imported since. */
static bool depends_on_imports(PyObject *code, Py_ssize_t fresh) {
    PyObject *names = imported_names(fresh);
    bool depends = names == NULL || has_set_with_name(code, names, false);
    PyErr_Clear();
    return depends;
}

/* A string is interned as long as something holds it: names of modules that were imported since. */
enum exactness exactness_of_code(PyObject *code, const struct warning_outcome *warnings, Py_ssize_t fresh) {
    bool imported = PyDict_GET_SIZE(PyImport_GetModuleDict()) != fresh;
    if (!imported && !warnings->marked)
        return EXACTNESS_SURE;
    enum equal_sets sets = find_equal_sets(code);
    bool doubtful =
        warnings->marked ? sets != EQUAL_SETS_NONE : sets == EQUAL_SETS_COPIED && depends_on_imports(code, fresh);
    return doubtful ? EXACTNESS_NONE : EXACTNESS_SURE;
}

#else

static bool is_brace(PyObject *constant) {
    return PyUnicode_CheckExact(constant) && PyUnicode_GET_LENGTH(constant) == 1 &&
           (PyUnicode_READ_CHAR(constant, 0) == '{' || PyUnicode_READ_CHAR(constant, 0) == '}');
}

/* Whether a single brace is a constant. CPython interns both braces for good when it first makes a string of an
 * annotation. */
static bool has_brace(PyObject *constant) {
    if (PyCode_Check(constant))
        return has_brace(((PyCodeObject *)constant)->co_consts);
    if (PyTuple_CheckExact(constant)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constant); i++)
            if (has_brace(PyTuple_GET_ITEM(constant, i)))
                return true;
        return false;
    }
    if (PyFrozenSet_CheckExact(constant)) {
        PyObject *members = PySequence_Tuple(constant);
        bool found = members == NULL || has_brace(members);
        PyErr_Clear();
        Py_XDECREF(members);
        return found;
    }
    return is_brace(constant);
}

enum exactness exactness_of_code(PyObject *code, const struct warning_outcome *warnings, Py_ssize_t fresh) {
    return has_brace(code) ? EXACTNESS_NONE : EXACTNESS_SURE;
}

#endif
