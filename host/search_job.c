/* An invalid pattern is answered as an invalid parameter. */
#include "host/search_job.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "proto/rpc.h"

/* re.compile(pattern).search, or NULL with an exception. */
static PyObject *bound_search(const char *pattern) {
    PyObject *re = PyImport_ImportModule("re");
    PyObject *text = PyUnicode_DecodeFSDefault(pattern);
    PyObject *compiled = re && text ? PyObject_CallMethod(re, "compile", "O", text) : NULL;
    PyObject *search = compiled ? PyObject_GetAttrString(compiled, "search") : NULL;
    Py_XDECREF(re);
    Py_XDECREF(text);
    Py_XDECREF(compiled);
    return search;
}

/* Whether it is found; -1 with an exception. */
static int finds(PyObject *search, const char *string) {
    PyObject *text = PyUnicode_DecodeFSDefault(string);
    PyObject *match = text ? PyObject_CallFunctionObjArgs(search, text, NULL) : NULL;
    int found = match ? match != Py_None : -1;
    Py_XDECREF(text);
    Py_XDECREF(match);
    return found;
}

/* The class as a traceback's last line names it. */
static char *class_name(PyObject *exception) {
    PyObject *module = PyObject_GetAttrString((PyObject *)Py_TYPE(exception), "__module__");
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(exception), "__qualname__");
    char *first = module ? answer_string(module) : NULL, *second = name ? answer_string(name) : NULL;
    bool plain = first == NULL || strcmp(first, "builtins") == 0;
    char *whole = xasprintf("%s%s%s", plain ? "" : first, plain ? "" : ".", second ? second : "?");
    free(first);
    free(second);
    Py_XDECREF(module);
    Py_XDECREF(name);
    PyErr_Clear();
    return whole;
}

/* Answers with the exception at hand: the pattern is none, or too much for re. */
static void answer_bad_pattern(struct answer *answer) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    char *words = text ? answer_string(text) : NULL, *name = class_name(value);
    PyErr_Clear();
    char *message = xasprintf("%s: %s", name, words ? words : "");
    answer_error(answer, RPC_INVALID_PARAMS, message, NULL);
    free(message);
    free(words);
    free(name);
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

void search_job_run(const struct search_request *request, struct answer *answer) {
    PyObject *search = bound_search(request->pattern);
    cJSON *result = cJSON_CreateObject(), *indexes = cJSON_AddArrayToObject(result, "found");
    const cJSON *string;
    int index = 0, found = search ? 0 : -1;
    for (string = request->strings->child; found >= 0 && string != NULL; string = string->next, index++) {
        found = finds(search, string->valuestring);
        if (found > 0)
            cJSON_AddItemToArray(indexes, cJSON_CreateNumber(index));
    }
    Py_XDECREF(search);
    if (found >= 0) {
        answer->result = result;
        return;
    }
    cJSON_Delete(result);
    answer_bad_pattern(answer);
}
