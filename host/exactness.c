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

#if PY_VERSION_HEX >= 0x030C0000

/* Notes in `seen` the code object of each frozenset constant. Clears *exact if an equal one belongs to another code
 * object. Returns false with an exception set on failure. */
static bool visit(PyObject *constant, PyObject *owner, PyObject *seen, bool *exact);

static bool visit_all(PyObject *tuple, PyObject *owner, PyObject *seen, bool *exact) {
    for (Py_ssize_t i = 0; *exact && i < PyTuple_GET_SIZE(tuple); i++)
        if (!visit(PyTuple_GET_ITEM(tuple, i), owner, seen, exact))
            return false;
    return true;
}

static bool visit(PyObject *constant, PyObject *owner, PyObject *seen, bool *exact) {
    if (PyCode_Check(constant))
        return visit_all(((PyCodeObject *)constant)->co_consts, constant, seen, exact);
    if (PyTuple_CheckExact(constant))
        return visit_all(constant, owner, seen, exact);
    if (!PyFrozenSet_CheckExact(constant))
        return true;
    PyObject *other = PyDict_GetItemWithError(seen, constant);
    if (other == NULL)
        return !PyErr_Occurred() && PyDict_SetItem(seen, constant, owner) == 0;
    *exact = other == owner;
    return true;
}

bool exactness_of_code(PyObject *code) {
    bool exact = true;
    PyObject *seen = PyDict_New();
    if (seen == NULL || !visit(code, code, seen, &exact)) {
        PyErr_Clear();
        exact = false;
    }
    Py_XDECREF(seen);
    return exact;
}

#elif PY_VERSION_HEX < 0x030B0000

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

bool exactness_of_code(PyObject *code) {
    return !has_brace(code);
}

#else

bool exactness_of_code(PyObject *code) {
    (void)code;
    return true;
}

#endif
