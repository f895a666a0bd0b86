/* The beginning of a session. */
#include "client/lsp/initialize.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "client/lsp/checks.h"
#include "client/lsp/uri.h"

/* Follows a path of member names, which ends with NULL. Returns NULL where a member is missing. */
static const cJSON *initialize_member(const cJSON *tree, ...) {
    va_list names;
    va_start(names, tree);
    for (const char *name; (name = va_arg(names, const char *)) != NULL;)
        tree = cJSON_GetObjectItemCaseSensitive(tree, name);
    va_end(names);
    return tree;
}

/* Returns the first of the editor's encodings that is supported. */
static enum position_encoding initialize_choose_encoding(const cJSON *offered) {
    const cJSON *item;
    cJSON_ArrayForEach(item, offered) {
        enum position_encoding encoding;
        if (cJSON_IsString(item) && position_encoding_parse(item->valuestring, &encoding) == 0)
            return encoding;
    }
    return POSITION_UTF16;
}

static void initialize_take_capabilities(struct session *session, const cJSON *client) {
    session->encoding = initialize_choose_encoding(initialize_member(client, "general", "positionEncodings", NULL));
    session->pulls = cJSON_IsObject(initialize_member(client, "textDocument", "diagnostic", NULL));
    session->refreshes = cJSON_IsTrue(initialize_member(client, "workspace", "diagnostics", "refreshSupport", NULL));
    session->asks_progress = cJSON_IsTrue(initialize_member(client, "window", "workDoneProgress", NULL));
    session->configures = cJSON_IsTrue(initialize_member(client, "workspace", "configuration", NULL));
}

static void initialize_take_folders(struct session *session, const cJSON *params) {
    const cJSON *folder, *folders = initialize_member(params, "workspaceFolders", NULL);
    const char *root = json_get_string(params, "rootPath");
    cJSON_ArrayForEach(folder, folders)
        session_add_folder(session, json_get_string(folder, "uri"));
    if (session->folder_count == 0)
        session_add_folder(session, json_get_string(params, "rootUri"));
    if (session->folder_count == 0 && root != NULL && *root == '/') {
        char *uri = uri_from_path(root);
        session_add_folder(session, uri);
        free(uri);
    }
}

static void initialize_apply_settings(struct session *session, const cJSON *object) {
    char *why = NULL;
    if (settings_apply(&session->settings, object, &why) == 0)
        return;
    char *text = xasprintf("settings are left as they were: %s", why);
    editor_show(&session->editor, EDITOR_WARNING, text);
    free(text);
    free(why);
}

static cJSON *initialize_server_capabilities(const struct session *session) {
    cJSON *all = cJSON_CreateObject();
    cJSON_AddStringToObject(all, "positionEncoding", position_encoding_name(session->encoding));
    cJSON *sync = cJSON_AddObjectToObject(all, "textDocumentSync");
    cJSON_AddTrueToObject(sync, "openClose");
    cJSON_AddNumberToObject(sync, "change", 2); /* incremental */
    cJSON_AddBoolToObject(cJSON_AddObjectToObject(sync, "save"), "includeText", false);
    if (session->pulls) {
        cJSON *pull = cJSON_AddObjectToObject(all, "diagnosticProvider");
        cJSON_AddStringToObject(pull, "identifier", "pycompiled");
        cJSON_AddFalseToObject(pull, "interFileDependencies");
        cJSON_AddFalseToObject(pull, "workspaceDiagnostics");
    }
    cJSON *execute = cJSON_AddObjectToObject(all, "executeCommandProvider");
    cJSON *commands = cJSON_AddArrayToObject(execute, "commands");
    cJSON_AddItemToArray(commands, cJSON_CreateString("pycompiled.compileFile"));
    cJSON_AddItemToArray(commands, cJSON_CreateString("pycompiled.compileWorkspace"));
    cJSON_AddTrueToObject(execute, "workDoneProgress");
    cJSON *folders = cJSON_AddObjectToObject(cJSON_AddObjectToObject(all, "workspace"), "workspaceFolders");
    cJSON_AddTrueToObject(folders, "supported");
    cJSON_AddTrueToObject(folders, "changeNotifications");
    return all;
}

int initialize(struct session *session, const char *id, const cJSON *params) {
    if (!cJSON_IsObject(params))
        return -EINVAL;
    session->phase = PHASE_RUNNING;
    initialize_take_capabilities(session, initialize_member(params, "capabilities", NULL));
    initialize_take_folders(session, params);
    cJSON *result = cJSON_CreateObject(), *info = cJSON_CreateObject();
    cJSON_AddItemToObject(result, "capabilities", initialize_server_capabilities(session));
    cJSON_AddItemToObject(result, "serverInfo", info);
    cJSON_AddStringToObject(info, "name", "pycompile-lsp");
    cJSON_AddStringToObject(info, "version", PYCOMPILED_VERSION);
    editor_result(&session->editor, id, result);
    initialize_apply_settings(session, initialize_member(params, "initializationOptions", NULL));
    session_choose_python(session);
    return 0;
}

static void initialize_ask_configuration(struct session *session) {
    cJSON *params = cJSON_CreateObject(), *item = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(params, "items"), item);
    cJSON_AddStringToObject(item, "section", "pycompiled");
    session_request(session, REQUEST_CONFIGURATION, "workspace/configuration", params);
}

int initialized(struct session *session, const char *id, const cJSON *params) {
    if (session->configures)
        initialize_ask_configuration(session);
    daemon_link_warm_up(&session->daemon);
    return 0;
}

static void initialize_reconfigure(struct session *session, const cJSON *settings) {
    initialize_apply_settings(session, settings);
    session_choose_python(session);
    checks_again(session);
}

int initialize_configuration_changed(struct session *session, const char *id, const cJSON *params) {
    if (session->configures)
        initialize_ask_configuration(session);
    else
        initialize_reconfigure(session, initialize_member(params, "settings", NULL));
    return 0;
}

/* Without an object, the settings of initializationOptions stay. */
void initialize_configuration_came(struct session *session, const cJSON *result) {
    const cJSON *settings = cJSON_GetArrayItem(result, 0);
    if (cJSON_IsObject(settings))
        initialize_reconfigure(session, settings);
}

int initialize_folders_changed(struct session *session, const char *id, const cJSON *params) {
    const cJSON *folder, *event = initialize_member(params, "event", NULL);
    if (!cJSON_IsObject(event))
        return -EINVAL;
    cJSON_ArrayForEach(folder, initialize_member(event, "removed", NULL))
        session_remove_folder(session, json_get_string(folder, "uri"));
    cJSON_ArrayForEach(folder, initialize_member(event, "added", NULL))
        session_add_folder(session, json_get_string(folder, "uri"));
    session_choose_python(session);
    return 0;
}
