/* Marshalling holds a lock as a reader, a compile with such names as the writer. */
#include "host/latin_letters.h"

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030D0000

/* Makes the letters plain strings again. The two references of a table of interned strings do not count while a string
 * is interned; the table still has them. The objects of 3.12 are immortal. */
static void clear_flags(void) {
    for (int c = 0x80; c <= 0xff; c++) {
        PyObject *letter = PyUnicode_FromOrdinal(c);
        if (letter == NULL) {
            PyErr_Clear();
            continue;
        }
        if (PyUnicode_CHECK_INTERNED(letter)) {
            Py_INCREF(letter);
            Py_INCREF(letter);
            ((PyASCIIObject *)letter)->state.interned = SSTATE_NOT_INTERNED;
        }
        Py_DECREF(letter);
    }
}

#else

static void clear_flags(void) {
}

#endif

#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030D0000

#include <pthread.h>

/* The longest source that others may have to wait for. */
#define SOURCE_MAX ((size_t)64 << 10)

static pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

bool latin_letters_may_run(size_t len) {
    return len <= SOURCE_MAX;
}

bool latin_letters_are_shared(void) {
    return true;
}

void latin_letters_begin(void) {
    pthread_rwlock_wrlock(&lock);
}

void latin_letters_end(void) {
    clear_flags();
    pthread_rwlock_unlock(&lock);
}

void latin_letters_hold(void) {
    pthread_rwlock_rdlock(&lock);
}

void latin_letters_release(void) {
    pthread_rwlock_unlock(&lock);
}

#else

bool latin_letters_may_run(size_t len) {
    return PY_VERSION_HEX >= 0x030B0000;
}

bool latin_letters_are_shared(void) {
    return false;
}

void latin_letters_begin(void) {
}

void latin_letters_end(void) {
    clear_flags();
}

void latin_letters_hold(void) {
}

void latin_letters_release(void) {
}

#endif
