/* An address is probed by a system call, which refuses an invalid one, before memory is read. */
#include "host/interned.h"

#include "base/buffer.h"

#if PY_VERSION_HEX >= 0x030C0000

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The part of the interpreter's state in which the table's address is searched for. It was at 0x3b00 to 0x4b000 up
 * to 3.15. */
#define STATE_MAX ((size_t)1 << 20)

#define PAGE ((size_t)4096)

/* The least number of strings in the table when an interpreter is up, and its greatest reference count. */
#define STRINGS_MIN 500
#define REFERENCES_MAX 16

struct interned {
    PyObject **slot; /* the place of the table's address in the interpreter's state */
    PyObject *own;   /* the interpreter's table, while another stands in for it */
    PyObject *fresh; /* a copy, which keeps its strings alive */
    Py_ssize_t fresh_count;
};

/* Reads memory that may belong to anything, freed memory too: AddressSanitizer and ThreadSanitizer must not judge it.
 * Such a function reads members by itself, since a function that it calls is judged. */
#define READS_ANY_MEMORY __attribute__((no_sanitize_address, no_sanitize_thread))

/* The pages that are remembered; a power of 2. */
#define PROBED_MAX 1024

/* Finds out which memory can be read: the system call write() of the bytes to a pipe fails for an invalid address. */
struct probe {
    int fds[2];
    uintptr_t probed[PROBED_MAX]; /* a page, by its number: its address, and 1 where it is readable; 0: none */
};

static bool is_page_readable(struct probe *probe, uintptr_t page) {
    char byte;
    uintptr_t *probed = &probe->probed[page / PAGE % PROBED_MAX];
    if (page == 0)
        return false;
    if ((*probed & ~(uintptr_t)1) != page)
        *probed = page | (syscall(SYS_write, probe->fds[1], page, 1) == 1 && read(probe->fds[0], &byte, 1) == 1);
    return (*probed & 1) != 0;
}

static bool is_readable(struct probe *probe, uintptr_t start, size_t len) {
    for (uintptr_t page = start & ~(PAGE - 1); page < start + len; page += PAGE)
        if (!is_page_readable(probe, page))
            return false;
    return true;
}

/* Whether there is a dictionary at the address that maps `string`, which is interned, to that very object. */
READS_ANY_MEMORY static bool is_table(struct probe *probe, uintptr_t address, PyObject *string) {
    const PyDictObject *table = (const PyDictObject *)address;
    if (address == 0 || address % sizeof(void *) != 0 || !is_readable(probe, address, sizeof *table) ||
        table->ob_base.ob_type != &PyDict_Type || table->ob_base.ob_refcnt < 1 ||
        table->ob_base.ob_refcnt > REFERENCES_MAX || table->ma_used < STRINGS_MIN)
        return false;
    PyObject *found = PyDict_GetItemWithError((PyObject *)address, string);
    PyErr_Clear();
    return found == string;
}

READS_ANY_MEMORY static PyObject **search_state(struct probe *probe, PyObject *string) {
    uintptr_t state = (uintptr_t)PyInterpreterState_Get();
    for (uintptr_t at = state; at < state + STATE_MAX; at += sizeof(void *)) {
        if (!is_readable(probe, at, sizeof(void *)))
            return NULL;
        if (is_table(probe, *(const uintptr_t *)at, string))
            return (PyObject **)at;
    }
    return NULL;
}

static PyObject **find_slot(void) {
    struct probe probe = {0};
    PyObject *string = PyUnicode_InternFromString("<found in the table of interned strings>");
    PyObject **slot = NULL;
    if (string != NULL && pipe2(probe.fds, O_CLOEXEC) == 0) {
        slot = search_state(&probe, string);
        close(probe.fds[0]);
        close(probe.fds[1]);
    }
    Py_XDECREF(string);
    PyErr_Clear();
    return slot;
}

struct interned *interned_find(void) {
    PyObject **slot = find_slot();
    PyObject *fresh = slot ? PyDict_Copy(*slot) : NULL;
    PyErr_Clear();
    if (fresh == NULL)
        return NULL;
    struct interned *interned = xcalloc(1, sizeof *interned);
    *interned = (struct interned){.slot = slot, .fresh = fresh, .fresh_count = PyDict_GET_SIZE(fresh)};
    return interned;
}

bool interned_enter(struct interned *interned) {
    PyObject *table = PyDict_Copy(interned->fresh);
    if (table == NULL) {
        PyErr_Clear();
        return false;
    }
    interned->own = *interned->slot;
    *interned->slot = table;
    return true;
}

/* The strings that were added to the table and are not immortal: a new list, or NULL. */
static PyObject *list_mortals(const struct interned *interned, PyObject *table) {
    PyObject *list = PyList_New(0), *string, *value;
    Py_ssize_t position =
        interned->fresh_count; /* a dictionary has the order of insertion, and no string was removed */
    while (list != NULL && PyDict_Next(table, &position, &string, &value))
        if (((PyASCIIObject *)string)->state.interned == SSTATE_INTERNED_MORTAL &&
            !PyDict_Contains(interned->fresh, string) && PyList_Append(list, string) < 0)
            Py_CLEAR(list);
    PyErr_Clear();
    return list;
}

/* Makes interned strings plain ones. The table's two references do not count while a string is interned. */
static void make_plain(PyObject *table, PyObject *list) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *string = PyList_GET_ITEM(list, i);
        Py_INCREF(string);
        Py_INCREF(string);
        ((PyASCIIObject *)string)->state.interned = SSTATE_NOT_INTERNED;
        if (PyDict_DelItem(table, string) < 0)
            PyErr_Clear();
    }
}

void interned_leave(struct interned *interned) {
    PyObject *table = *interned->slot;
    PyObject *mortals = list_mortals(interned, table);
    if (mortals != NULL)
        make_plain(table, mortals);
    *interned->slot = interned->own;
    Py_XDECREF(mortals);
    if (mortals != NULL)
        Py_DECREF(table); /* else the table is kept, with the strings that need it */
}

#else

struct interned *interned_find(void) {
    return NULL;
}

bool interned_enter(struct interned *interned) {
    return false;
}

void interned_leave(struct interned *interned) {
}

#endif
