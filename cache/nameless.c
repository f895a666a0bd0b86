/* A warning has the member `rest` in place of `filename` and `text`. An error's `file` is null, its exc_value.filename
 * is true where that is the name, and its `msg` is an object where the name stands in it. */
#include "cache/nameless.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "proto/json.h"

/* Member of a stored warning, in place of `text` and `filename`: the part of the text behind the code's file name. */
#define REST "rest"

/* Takes the file name out of a warning. Whether that is possible: the name stands where it is expected. */
static bool warning_forget_name(cJSON *warning, const char *name) {
    const char *filename = json_get_string(warning, "filename"), *text = json_get_string(warning, "text");
    size_t len = strlen(name);
    if (filename == NULL)
        return true; /* the warning concerns no file */
    if (text == NULL || strcmp(filename, name) != 0 || strncmp(text, name, len) != 0)
        return false;
    cJSON_AddStringToObject(warning, REST, text + len);
    cJSON_DeleteItemFromObjectCaseSensitive(warning, "filename");
    cJSON_DeleteItemFromObjectCaseSensitive(warning, "text");
    return true;
}

bool nameless_warnings(cJSON *warnings, const char *name) {
    cJSON *warning;
    bool fine = true;
    cJSON_ArrayForEach(warning, warnings)
        fine = warning_forget_name(warning, name) && fine;
    return fine;
}

static cJSON *warning_with_name(const cJSON *stored, const char *name) {
    cJSON *warning = cJSON_CreateObject();
    const cJSON *member;
    cJSON_ArrayForEach(member, stored) {
        if (member->string == NULL)
            continue; /* a damaged entry: `stored` is an array */
        if (strcmp(member->string, REST) == 0) {
            char *text = xasprintf("%s%s", name, cJSON_IsString(member) ? member->valuestring : "");
            cJSON_AddStringToObject(warning, "filename", name);
            cJSON_AddStringToObject(warning, "text", text);
            free(text);
        } else {
            cJSON_AddItemToObject(warning, member->string, cJSON_Duplicate(member, true));
        }
    }
    return warning;
}

cJSON *nameless_warnings_for(const cJSON *stored, const char *name) {
    if (!cJSON_IsArray(stored))
        return NULL;
    cJSON *warnings = cJSON_CreateArray();
    const cJSON *item;
    cJSON_ArrayForEach(item, stored)
        cJSON_AddItemToArray(warnings, warning_with_name(item, name));
    return warnings;
}

/* Members of a stored `msg`: the text before the name, whether that is its last component alone, the text behind. */
#define BEFORE "before"
#define BASE "base"
#define BEHIND "behind"

#define FILE_LINE "  File \""

/* The last component of a name, as SyntaxError.__str__() has it. */
static const char *base_of(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static cJSON *open_message(const char *before, bool base, const char *behind) {
    cJSON *message = cJSON_CreateObject();
    cJSON_AddStringToObject(message, BEFORE, before);
    cJSON_AddBoolToObject(message, BASE, base);
    cJSON_AddStringToObject(message, BEHIND, behind);
    return message;
}

/* A SyntaxError: `  File "NAME", line 3` and more lines, without the name. NULL: it has another form. */
static cJSON *open_file_line(const char *msg, const char *name) {
    size_t start = strlen(FILE_LINE), len = strlen(name);
    if (strncmp(msg, FILE_LINE, start) != 0 || strncmp(msg + start, name, len) != 0 ||
        strncmp(msg + start + len, "\", line ", 8) != 0)
        return NULL;
    return open_message(FILE_LINE, false, msg + start + len);
}

/* One of its subclasses: `Sorry: TabError: MSG (BASE, line 3)`, without the name. NULL: it has another form. */
static cJSON *open_sorry(const char *msg, const cJSON *data, const char *name) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(data, "exc_value");
    const char *type = json_get_string(data, "exc_type_name"), *text = json_get_string(value, "msg");
    char *before = xasprintf("Sorry: %s: %s (", type ? type : "", text ? text : "");
    char *behind = xasprintf(", line %.0f)", json_get_number(value, "lineno", -1));
    char *whole = xasprintf("%s%s%s", before, base_of(name), behind);
    cJSON *message = strcmp(msg, whole) == 0 ? open_message(before, true, behind) : NULL;
    free(whole);
    free(behind);
    free(before);
    return message;
}

/* py_compile puts the file's name in the place of each `<string>` that follows the word File. */
#define REPLACED "<string>"

/* Whether a name may be in the text: this one (if it is not NULL), or one that py_compile has put there. */
static bool is_suspicious(const char *text, const char *name) {
    return text != NULL && (strstr(text, REPLACED) != NULL || (name != NULL && strstr(text, base_of(name)) != NULL));
}

/* Takes the name out of `msg`. Whether no other name can be in the error's texts. */
static bool message_forget_name(cJSON *data, const char *name) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(data, "exc_value");
    const char *msg = json_get_string(data, "msg"), *filename = json_get_string(value, "filename");
    if (msg == NULL || is_suspicious(msg, NULL) || is_suspicious(json_get_string(value, "msg"), name) ||
        is_suspicious(json_get_string(value, "text"), NULL))
        return false;
    cJSON *message = open_file_line(msg, name);
    if (message == NULL)
        message = open_sorry(msg, data, name);
    if (message == NULL)
        return filename == NULL && !is_suspicious(msg, name);
    return cJSON_ReplaceItemInObjectCaseSensitive(data, "msg", message);
}

/* Takes the name out of a member that is the name. Whether it was that, or null. */
static bool member_forget_name(cJSON *object, const char *member, const char *name, cJSON *mark) {
    const char *text = json_get_string(object, member);
    if (text != NULL && strcmp(text, name) == 0)
        return cJSON_ReplaceItemInObjectCaseSensitive(object, member, mark);
    cJSON_Delete(mark);
    return cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(object, member));
}

bool nameless_error(cJSON *data, const char *name) {
    cJSON *value = cJSON_GetObjectItemCaseSensitive(data, "exc_value");
    bool fine = nameless_warnings(cJSON_GetObjectItemCaseSensitive(data, "warnings"), name);
    fine = message_forget_name(data, name) && fine;
    fine = member_forget_name(value, "filename", name, cJSON_CreateTrue()) && fine;
    return member_forget_name(data, "file", name, cJSON_CreateNull()) && fine;
}

/* A stored `msg` as a text; the caller deletes. NULL: it is none. */
static cJSON *message_with_name(const cJSON *stored, const char *name) {
    const char *before = json_get_string(stored, BEFORE), *behind = json_get_string(stored, BEHIND);
    if (cJSON_IsString(stored))
        return cJSON_Duplicate(stored, true);
    if (before == NULL || behind == NULL)
        return NULL;
    char *text = xasprintf("%s%s%s", before, json_get_bool(stored, BASE) ? base_of(name) : name, behind);
    cJSON *message = cJSON_CreateString(text);
    free(text);
    return message;
}

static bool is_words_or_null(const cJSON *item) {
    return cJSON_IsString(item) || cJSON_IsNull(item);
}

static bool is_number_or_null(const cJSON *item) {
    return cJSON_IsNumber(item) || cJSON_IsNull(item);
}

/* Whether an object has these members, in this order, and no others. */
static bool has_form(const cJSON *object, const char *const *names, bool (*const *are)(const cJSON *)) {
    const cJSON *member;
    cJSON_ArrayForEach(member, object) {
        if (*names == NULL || member->string == NULL || strcmp(member->string, *names++) != 0 || !(*are++)(member))
            return false;
    }
    return cJSON_IsObject(object) && *names == NULL;
}

static bool is_message(const cJSON *item) {
    return cJSON_IsString(item) || cJSON_IsObject(item);
}

static bool is_filename(const cJSON *item) {
    return is_words_or_null(item) || cJSON_IsTrue(item);
}

static bool is_value(const cJSON *item) {
    static const char *const names[] = {"msg",    "filename",   "text",       "lineno",
                                        "offset", "end_lineno", "end_offset", NULL};
    static bool (*const are[])(const cJSON *) = {is_words_or_null,  is_filename,       is_words_or_null,
                                                 is_number_or_null, is_number_or_null, is_number_or_null,
                                                 is_number_or_null};
    static const char *const other_names[] = {"msg",        "filename",   "lineno", "offset",
                                              "end_lineno", "end_offset", "text",   NULL};
    static bool (*const others_are[])(const cJSON *) = {is_words_or_null,  is_filename,       is_number_or_null,
                                                        is_number_or_null, is_number_or_null, is_number_or_null,
                                                        is_words_or_null};
    return has_form(item, names, are) || has_form(item, other_names, others_are);
}

static bool is_null(const cJSON *item) {
    return cJSON_IsNull(item);
}

static bool is_array(const cJSON *item) {
    return cJSON_IsArray(item);
}

static bool is_words(const cJSON *item) {
    return cJSON_IsString(item);
}

static bool is_stored_error(const cJSON *stored) {
    static const char *const names[] = {"exc_type_name", "msg", "file", "exc_value", "warnings", NULL};
    static bool (*const are[])(const cJSON *) = {is_words, is_message, is_null, is_value, is_array};
    return has_form(stored, names, are);
}

cJSON *nameless_error_for(const cJSON *stored, const char *name) {
    if (!is_stored_error(stored) || strstr(name, REPLACED) != NULL)
        return NULL;
    cJSON *message = message_with_name(cJSON_GetObjectItemCaseSensitive(stored, "msg"), name);
    if (message == NULL)
        return NULL;
    cJSON *data = cJSON_Duplicate(stored, true);
    cJSON *value = cJSON_GetObjectItemCaseSensitive(data, "exc_value");
    cJSON *warnings = nameless_warnings_for(cJSON_GetObjectItemCaseSensitive(stored, "warnings"), name);
    cJSON_ReplaceItemInObjectCaseSensitive(data, "msg", message);
    cJSON_ReplaceItemInObjectCaseSensitive(data, "file", cJSON_CreateString(name));
    cJSON_ReplaceItemInObjectCaseSensitive(data, "warnings", warnings);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(value, "filename")))
        cJSON_ReplaceItemInObjectCaseSensitive(value, "filename", cJSON_CreateString(name));
    return data;
}
