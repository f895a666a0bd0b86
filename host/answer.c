/* Members are those of proto/openrpc.json.in. */
#include "host/answer.h"

#include "host/python_release.h"
#include "host/warning_state.h"
#include "proto/json.h"
#include "proto/rpc.h"

void answer_deinit(struct answer *answer) {
    cJSON_Delete(answer->result);
    cJSON_Delete(answer->data);
    free(answer->message);
    *answer = (struct answer){0};
}

void answer_error(struct answer *answer, int code, const char *message, cJSON *data) {
    *answer = (struct answer){.code = code, .message = xstrdup(message), .data = data};
}

char *answer_string(PyObject *text) {
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
    if (bytes == NULL) { /* a surrogate that stands for no byte: as stderr shows it */
        PyErr_Clear();
        bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    }
    char *string = bytes ? xstrndup(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)) : NULL;
    Py_XDECREF(bytes);
    return string;
}

/* Bytes of one text of an answer, at most; an error quotes its whole line. */
#define TEXT_MAX ((size_t)4 << 20)

/* Cuts a text that is too long, and says so at its end. Takes and returns the string. */
static char *cut_text(char *string) {
    size_t len = strlen(string), end = TEXT_MAX;
    if (len <= TEXT_MAX)
        return string;
    while (end > 0 && ((unsigned char)string[end] & 0xc0) == 0x80) /* not within a character */
        end--;
    char *cut = xasprintf("%.*s [%zu more bytes are left out]\n", (int)end, string, len - end);
    free(string);
    return cut;
}

/* Adds str(value) or, for None or where it cannot be had, null. */
static void add_text(cJSON *object, const char *name, PyObject *value) {
    PyObject *text = value != NULL && value != Py_None ? PyObject_Str(value) : NULL;
    char *string = text ? answer_string(text) : NULL;
    string = string ? cut_text(string) : NULL;
    PyErr_Clear();
    json_add_string_or_null(object, name, string);
    free(string);
    Py_XDECREF(text);
}

static void add_long(cJSON *object, const char *name, PyObject *value) {
    long number = value != NULL && PyLong_Check(value) ? PyLong_AsLong(value) : -1;
    if (value != NULL && PyLong_Check(value) && !PyErr_Occurred())
        cJSON_AddNumberToObject(object, name, (double)number);
    else
        cJSON_AddNullToObject(object, name);
    PyErr_Clear();
}

static void add_attribute(cJSON *object, const char *name, PyObject *owner, const char *attribute,
                          void (*add)(cJSON *, const char *, PyObject *)) {
    PyObject *value = owner ? PyObject_GetAttrString(owner, attribute) : NULL;
    PyErr_Clear();
    add(object, name, value);
    Py_XDECREF(value);
}

/* A line for stderr among the warnings that is none. Takes both strings. */
static cJSON *note_item(char *message, char *text) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddNullToObject(item, "category");
    json_add_string_or_null(item, "message", message);
    cJSON_AddNullToObject(item, "filename");
    cJSON_AddNullToObject(item, "lineno");
    cJSON_AddStringToObject(item, "text", text);
    free(message);
    free(text);
    return item;
}

/* A -W option that is not valid: Python says so on stderr among the warnings. */
static cJSON *invalid_option_item(PyObject *why) {
    char *message = answer_string(why);
    return note_item(message, xasprintf("Invalid -W option ignored: %s\n", message ? message : ""));
}

static cJSON *omitted_item(PyObject *number) {
    char *message = xasprintf("%lu more warnings are not shown: those before fill %zu MiB",
                              PyLong_AsUnsignedLong(number), WARNINGS_SIZE_MAX >> 20);
    return note_item(message, xasprintf("%s\n", message));
}

/* An item of warning_state_take(). */
static cJSON *warning_item(PyObject *tuple) {
    cJSON *item = cJSON_CreateObject();
    PyObject *message = PyTuple_GET_ITEM(tuple, 0);
    PyObject *category = PyObject_GetAttrString(message, "category");
    add_attribute(item, "category", category, "__name__", add_text);
    add_attribute(item, "message", message, "message", add_text);
    add_attribute(item, "filename", message, "filename", add_text);
    add_attribute(item, "lineno", message, "lineno", add_long);
    add_text(item, "text", PyTuple_GET_ITEM(tuple, 1));
    if (PyTuple_GET_ITEM(tuple, 2) == Py_True)
        cJSON_AddTrueToObject(item, "once");
    Py_XDECREF(category);
    return item;
}

cJSON *answer_warnings(PyObject *warnings) {
    cJSON *array = cJSON_CreateArray();
    for (Py_ssize_t i = 0; warnings != NULL && i < PyList_GET_SIZE(warnings); i++) {
        PyObject *item = PyList_GET_ITEM(warnings, i);
        cJSON_AddItemToArray(array, PyUnicode_Check(item) ? invalid_option_item(item)
                                    : PyLong_Check(item)  ? omitted_item(item)
                                                          : warning_item(item));
    }
    return array;
}

void answer_result(struct answer *answer, const char *cfile, const char *outcome, cJSON *warnings, long elapsed_us) {
    cJSON *result = cJSON_CreateObject();
    json_add_string_or_null(result, "cfile", cfile);
    cJSON_AddStringToObject(result, "outcome", outcome);
    cJSON_AddStringToObject(result, "python", python_release());
    cJSON_AddItemToObject(result, "warnings", warnings ? warnings : cJSON_CreateArray());
    cJSON_AddNumberToObject(result, "elapsed_us", (double)elapsed_us);
    *answer = (struct answer){.result = result};
}

static void add_exception_value(cJSON *data, PyObject *exception) {
    cJSON *value = cJSON_AddObjectToObject(data, "exc_value");
    if (PyErr_GivenExceptionMatches(exception, PyExc_SyntaxError)) {
        static const char *const texts[] = {"msg", "filename", "text"};
        static const char *const numbers[] = {"lineno", "offset", "end_lineno", "end_offset"};
        for (int i = 0; i < 3; i++)
            add_attribute(value, texts[i], exception, texts[i], add_text);
        for (int i = 0; i < 4; i++)
            add_attribute(value, numbers[i], exception, numbers[i], add_long);
        return;
    }
    add_text(value, "msg", exception);
    static const char *const others[] = {"filename", "lineno", "offset", "end_lineno", "end_offset", "text"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cJSON_AddNullToObject(value, others[i]);
}

void answer_compile_error(struct answer *answer, struct compiler *compiler, const char *file, PyObject *exception,
                          PyObject *warnings) {
    cJSON *data = cJSON_CreateObject();
    PyObject *name = PyUnicode_DecodeFSDefault(file);
    PyObject *rest = NULL, *text = name ? compiler_error_text(compiler, exception, name, &rest) : NULL;
    PyObject *all = warnings && rest ? PySequence_Concat(warnings, rest) : NULL;
    PyErr_Clear();
    add_attribute(data, "exc_type_name", (PyObject *)Py_TYPE(exception), "__name__", add_text);
    add_text(data, "msg", text);
    cJSON_AddStringToObject(data, "file", file);
    add_exception_value(data, exception);
    cJSON_AddItemToObject(data, "warnings", answer_warnings(all ? all : warnings));
    Py_XDECREF(name);
    Py_XDECREF(text);
    Py_XDECREF(rest);
    Py_XDECREF(all);
    answer_error(answer, RPC_PY_COMPILE_ERROR, "PyCompileError", data);
}

void answer_other_error(struct answer *answer, PyObject *exception, PyObject *warnings) {
    cJSON *data = cJSON_CreateObject();
    add_attribute(data, "exc_type_name", (PyObject *)Py_TYPE(exception), "__name__", add_text);
    add_text(data, "msg", exception);
    cJSON_AddItemToObject(data, "warnings", answer_warnings(warnings));
    const char *type = json_get_string(data, "exc_type_name"), *text = json_get_string(data, "msg");
    bool says = text != NULL && *text != '\0'; /* as in the last line of a traceback */
    char *message = xasprintf("%s%s%s", type, says ? ": " : "", says ? text : "");
    answer_error(answer, RPC_INTERNAL_ERROR, message, data);
    free(message);
}

static cJSON *os_error_data(PyObject *exception) {
    cJSON *data = cJSON_CreateObject();
    add_attribute(data, "type", (PyObject *)Py_TYPE(exception), "__name__", add_text);
    add_attribute(data, "errno", exception, "errno", add_long);
    add_attribute(data, "strerror", exception, "strerror", add_text);
    add_attribute(data, "filename", exception, "filename", add_text);
    add_attribute(data, "filename2", exception, "filename2", add_text);
    add_text(data, "msg", exception);
    return data;
}

static void answer_with_os_error(struct answer *answer, PyObject *exception) {
    if (exception == NULL) {
        answer_internal_error(answer, NULL);
        return;
    }
    cJSON *data = os_error_data(exception);
    answer_error(answer, RPC_OS_ERROR, json_get_string(data, "msg"), data);
    Py_DECREF(exception);
}

void answer_os_error(struct answer *answer, int error, const char *filename, const char *target) {
    PyObject *name = PyUnicode_DecodeFSDefault(filename);
    PyObject *second = target ? PyUnicode_DecodeFSDefault(target) : NULL;
    PyObject *exception =
        second ? PyObject_CallFunction(PyExc_OSError, "isOOO", error, strerror(error), name, Py_None, second)
               : PyObject_CallFunction(PyExc_OSError, "isO", error, strerror(error), name);
    Py_XDECREF(name);
    Py_XDECREF(second);
    answer_with_os_error(answer, exception);
}

void answer_add_warnings(struct answer *answer, cJSON *warnings) {
    if (answer->data != NULL)
        cJSON_AddItemToObject(answer->data, "warnings", warnings);
    else
        cJSON_Delete(warnings);
}

void answer_exists_error(struct answer *answer, const char *text) {
    PyObject *message = PyUnicode_DecodeFSDefault(text);
    PyObject *exception = message ? PyObject_CallFunctionObjArgs(PyExc_FileExistsError, message, NULL) : NULL;
    Py_XDECREF(message);
    answer_with_os_error(answer, exception);
}

void answer_internal_error(struct answer *answer, PyObject *exception) {
    PyObject *type = NULL, *value = exception, *traceback = NULL;
    if (exception == NULL)
        PyErr_Fetch(&type, &value, &traceback);
    PyObject *text = value ? PyObject_Repr(value) : NULL;
    char *string = text ? answer_string(text) : NULL;
    PyErr_Clear();
    char *message = xasprintf("Internal error: %s", string ? string : "CPython gave no exception");
    answer_error(answer, RPC_INTERNAL_ERROR, message, NULL);
    free(message);
    free(string);
    Py_XDECREF(text);
    if (exception == NULL) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
}
