/* The state of one editor's session: what was negotiated, the open documents, and the work under way. The files that
 * follow this one in tools/layers.txt act on it: checks.c (diagnostics), commands.c and workspace_run.c (compiling),
 * messages.c (the protocol's methods). This file knows none of those files, and does not free what they put into the
 * session. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "client/environment.h"
#include "client/lsp/daemon_link.h"
#include "client/lsp/editor.h"
#include "client/lsp/settings.h"
#include "proto/position.h"

/* Error codes of the Language Server Protocol, beside those of proto/rpc.h. */
enum {
    LSP_NOT_INITIALIZED = -32002,
    LSP_SERVER_CANCELLED = -32802,
    LSP_REQUEST_FAILED = -32803,
};

enum phase { PHASE_NEW, PHASE_RUNNING, PHASE_SHUT_DOWN };

struct workspace_run;

struct session {
    struct editor editor;
    struct daemon_link daemon;
    struct environment environment;
    struct settings settings;
    enum phase phase;
    bool over; /* the process is to exit, with `status` */
    int status;
    /* Capabilities of the editor. */
    enum position_encoding encoding;
    bool pulls; /* the editor asks for diagnostics, so none are published */
    bool refreshes;
    bool asks_progress;
    bool configures;
    char **folders; /* paths of the workspace */
    size_t folder_count;
    struct list documents;     /* struct document of checks.h, the one opened last first */
    struct list files;         /* compiles of single files: commands.c */
    struct workspace_run *run; /* of the whole workspace; NULL: none */
    int last_request;
    unsigned long editions; /* counts the changes of all documents */
    char *refusal;          /* the last message that nothing can be compiled, or NULL */
};

/* The kinds of requests to the editor. The id of an answer modulo REQUEST_KINDS is its kind. */
enum request_kind { REQUEST_PROGRESS, REQUEST_CONFIGURATION, REQUEST_REFRESH, REQUEST_KINDS };

/* Begins a session on two descriptors, which still belong to the caller. */
void session_init(struct session *session, int in, int out);

/* Documents, files and run must be gone already. */
void session_deinit(struct session *session);

/* Sends a request to the editor; returns its id. Deletes `params`. */
int session_request(struct session *session, enum request_kind kind, const char *method, cJSON *params);

/* Tells the daemon link which Python the settings and the workspace ask for. */
void session_choose_python(struct session *session);

/* Shows the user why nothing can be compiled: the answer's `why` or error message. A message that equals the last one
 * is not shown again until session_recovered(). */
void session_complain(struct session *session, const struct daemon_answer *answer);
void session_recovered(struct session *session);

/* Add or remove a folder of the workspace by its URI. NULL and URIs without a path are ignored. */
void session_add_folder(struct session *session, const char *uri);
void session_remove_folder(struct session *session, const char *uri);
