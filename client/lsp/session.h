/* One editor's session: what was agreed on, the open documents, and what is under way. The parts that act on it are
 * messages.c (what the editor says), checks.c (diagnostics), commands.c and workspace_run.c (compiling). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/environment.h"
#include "client/lsp/editor.h"
#include "client/lsp/link.h"
#include "client/lsp/settings.h"
#include "proto/source_text.h"

/* Codes of the Language Server Protocol, beside those of proto/rpc.h. */
enum {
    LSP_NOT_INITIALIZED = -32002,
    LSP_SERVER_CANCELLED = -32802,
    LSP_REQUEST_FAILED = -32803,
};

/* Largest document that is checked, in bytes. */
#define DOCUMENT_MAX (16u << 20)

enum phase { PHASE_NEW, PHASE_RUNNING, PHASE_SHUT_DOWN };

/* A request of the editor's that waits for a document's diagnostics. */
struct pull {
    struct pull *next;
    char *id;       /* raw JSON text */
    char *previous; /* the result that the editor has, or NULL */
};

struct document {
    struct document *next;
    struct session *session;
    char *uri;
    char *path; /* NULL: it has none, as an untitled buffer */
    struct source_text text;
    bool known;     /* false: its text was too large, or changes of it were lost */
    double version; /* the editor's */
    bool has_version;
    unsigned long edition; /* counts changes of the text and of settings */
    bool dirty;            /* this edition has not been checked yet */
    int64_t due;           /* when it is to be, on clock_ms(); 0: not yet */
    int64_t call;          /* the check under way, 0: none */
    unsigned long asked;   /* the edition that is under way */
    cJSON *diagnostics;    /* of `shown`, or NULL */
    unsigned long shown;   /* the edition that they are of */
    struct pull *pulls;
};

struct workspace_run;
struct file_call;

struct session {
    struct editor editor;
    struct link link;
    struct environment environment;
    struct settings settings;
    enum phase phase;
    bool over; /* the process is to end */
    int status;
    /* What the editor can do. */
    enum position_encoding encoding;
    bool pulls;
    bool refreshes;
    bool asks_progress;
    bool configures;
    char **folders; /* paths of the workspace */
    size_t folder_count;
    struct document *documents;
    struct file_call *files;   /* compiles of single files */
    struct workspace_run *run; /* of the whole workspace, NULL: none */
    int last_request;
    unsigned long editions;
    char *refusal; /* what was said last of why nothing can be compiled, or NULL */
};

/* Requests to the editor; its answers are told apart by id % REQUEST_KINDS. */
enum request_kind { REQUEST_PROGRESS, REQUEST_CONFIGURATION, REQUEST_REFRESH, REQUEST_KINDS };

void session_init(struct session *session);
void session_deinit(struct session *session);

/* Sends a request to the editor; returns its id. The tree is deleted. */
int session_request(struct session *session, enum request_kind kind, const char *method, cJSON *params);

/* What the settings and the workspace say of the Python goes to the link. */
void session_choose_python(struct session *session);

/* Says once what keeps everything from being compiled: `error` of the daemon's, or `why`. */
void session_complain(struct session *session, const struct link_answer *answer);

/* Adds or removes a folder of the workspace by its URI. */
void session_add_folder(struct session *session, const char *uri);
void session_remove_folder(struct session *session, const char *uri);
