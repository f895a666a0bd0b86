/* Unit tests of client/lsp with a fake daemon and an editor that is a pair of buffers: the protocol's order, document
 * synchronisation, checks, pulls, commands, the workspace run. */
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/lsp/checks.h"
#include "client/lsp/commands.h"
#include "client/lsp/messages.h"
#include "client/lsp/workspace_run.h"
#include "proto/rpc.h"
#include "tests/unit/fake_daemon_link.h"

#define NO_RESULT "{\"warnings\":[]}"
#define SYNTAX_ERROR                                                                                                   \
    "{\"code\":-32001,\"message\":\"m\",\"data\":{\"exc_type_name\":\"SyntaxError\",\"msg\":\"the text\\n\","          \
    "\"exc_value\":{\"msg\":\"invalid syntax\",\"filename\":\"/dev/null/buffer\",\"lineno\":2,\"offset\":2,"           \
    "\"end_lineno\":2,\"end_offset\":3,\"text\":\"x\"},\"warnings\":[]}}"

static struct session *session;

/* Puts one message into the editor's input and takes it. */
static void say(const char *text) {
    struct buffer frame = {0};
    frame_write(FRAMING_HEADERS, text, strlen(text), &frame);
    memcpy(frame_reader_reserve(&session->editor.reader, frame.len), frame.data, frame.len);
    frame_reader_commit(&session->editor.reader, frame.len);
    buffer_deinit(&frame);
    messages_take(session);
}

/* Compares the next message to the editor, its body, to the letter; NULL: there is none. */
static void hear(const char *wanted) {
    struct frame_reader reader;
    const char *text = NULL;
    size_t len = 0, unsent = session->editor.unsent.len, left = 0;
    frame_reader_init(&reader, EDITOR_MESSAGE_MAX);
    if (unsent > 0) {
        memcpy(frame_reader_reserve(&reader, unsent), session->editor.unsent.data, unsent);
        frame_reader_commit(&reader, unsent);
    }
    enum frame_status status = frame_reader_next(&reader, &text, &len);
    assert_int_equal(status, wanted ? FRAME_READY : FRAME_NONE);
    if (wanted != NULL) {
        char *body = xstrndup(text, len);
        assert_string_equal(body, wanted);
        free(body);
        frame_reader_unread(&reader, &left);
        buffer_consume(&session->editor.unsent, unsent - left);
    }
    frame_reader_deinit(&reader);
}

static void hush(void) {
    buffer_deinit(&session->editor.unsent);
}

/* Compares a string member of the oldest call's parameters. */
static void expect_param(const char *name, const char *wanted) {
    struct fake_call *call = fake_daemon_oldest(&session->daemon);
    assert_non_null(call);
    cJSON *params = cJSON_Parse(buffer_string(&call->params));
    const char *value = json_get_string(params, name);
    assert_non_null(value);
    assert_string_equal(value, wanted);
    cJSON_Delete(params);
}

static void begin(void) {
    session = xcalloc(1, sizeof *session);
    session_init(session, -1, -1);
}

/* As pycompile_lsp.c does it. */
static void end(void) {
    workspace_run_free(session);
    commands_free(session);
    checks_close_all(session);
    session_deinit(session);
    free(session);
}

static void initialize_with(const char *params) {
    begin();
    char *text = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":%s}", params);
    say(text);
    free(text);
    hush();
}

static void open_document(const char *source) {
    char *text = xasprintf("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{\"textDocument\":"
                           "{\"uri\":\"file:///p/a.py\",\"version\":1,\"text\":\"%s\"}}}",
                           source);
    say(text);
    free(text);
}

static void change(const char *changes) {
    char *text = xasprintf("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didChange\",\"params\":{\"textDocument\":"
                           "{\"uri\":\"file:///p/a.py\",\"version\":2},\"contentChanges\":%s}}",
                           changes);
    say(text);
    free(text);
}

/* Makes the check that waits due, and starts it. */
static void start_checks(void) {
    list_each(link, &session->documents) {
        struct document *document = list_entry(link, struct document, link);
        document->due = document->due ? 1 : 0;
    }
    checks_start(session);
}

static void test_order(void **state) {
    begin();
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"shutdown\"}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32002,\"message\":\"'initialize' comes first\"}}");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\"}");
    hear(NULL);
    say("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"initialize\",\"params\":{}}");
    hush();
    say("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"initialize\",\"params\":{}}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32600,\"message\":\"'initialize' comes once\"}}");
    say("{\"jsonrpc\":\"2.0\",\"id\":\"4\",\"method\":\"textDocument/hover\"}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":\"4\",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
    say("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"shutdown\"}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":null}");
    say("{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"shutdown\"}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":6,\"error\":{\"code\":-32600,\"message\":\"the server was shut down\"}}");
    assert_false(session->over);
    say("{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}");
    assert_true(session->over);
    assert_int_equal(session->status, 0);
    end();
}

static void test_exit_at_once(void **state) {
    begin();
    say("{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}");
    assert_true(session->over);
    assert_int_equal(session->status, 1);
    end();
}

static void test_broken_framing(void **state) {
    begin();
    memcpy(frame_reader_reserve(&session->editor.reader, 11), "{\"a\":1}\r\n\r\n", 11);
    frame_reader_commit(&session->editor.reader, 11);
    messages_take(session);
    hear("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":"
         "\"a Content-Length header is expected\"}}");
    assert_true(session->over);
    end();
}

/* Edits count columns in the negotiated encoding; several edits apply one after the other. */
static void test_edits(void **state) {
    static const struct {
        const char *encodings, *column;
    } cases[] = {{"[]", "3"}, {"[\"utf-7\",\"utf-32\"]", "2"}, {"[\"utf-8\",\"utf-16\"]", "5"}};
    for (size_t i = 0; i < 3; i++) {
        char *params = xasprintf("{\"capabilities\":{\"general\":{\"positionEncodings\":%s}}}", cases[i].encodings);
        initialize_with(params);
        open_document("a\\ud83d\\udc0db\\n");
        start_checks();
        expect_param("source", "a\xf0\x9f\x90\x8d"
                               "b\n");
        fake_daemon_answer(&session->daemon, NO_RESULT, NULL, NULL);
        char *edits = xasprintf("[{\"range\":{\"start\":{\"line\":0,\"character\":%s},\"end\":{\"line\":1,"
                                "\"character\":0}},\"text\":\"c\\n\"},{\"range\":{\"start\":{\"line\":1,"
                                "\"character\":0},\"end\":{\"line\":9,\"character\":9}},\"text\":\"d\"}]",
                                cases[i].column);
        change(edits);
        start_checks();
        expect_param("source", "a\xf0\x9f\x90\x8d"
                               "c\nd");
        free(edits);
        free(params);
        end();
    }
}

static void test_published(void **state) {
    initialize_with("{\"capabilities\":{}}");
    open_document("a\\nxy z\\n");
    start_checks();
    expect_param("file", "/p/a.py");
    expect_param("dfile", "/dev/null/buffer");
    fake_daemon_answer(&session->daemon, NULL, SYNTAX_ERROR, NULL);
    hear("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/publishDiagnostics\",\"params\":{\"uri\":\"file:///p/a.py\","
         "\"version\":1,\"diagnostics\":[{\"range\":{\"start\":{\"line\":1,\"character\":1},\"end\":{\"line\":1,"
         "\"character\":2}},\"severity\":1,\"code\":\"SyntaxError\",\"source\":\"pycompiled\",\"message\":"
         "\"invalid syntax\"}]}}");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didClose\",\"params\":{\"textDocument\":"
        "{\"uri\":\"file:///p/a.py\"}}}");
    hear("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/publishDiagnostics\",\"params\":{\"uri\":\"file:///p/a.py\","
         "\"diagnostics\":[]}}");
    assert_true(list_empty(&session->documents));
    end();
}

/* An answer for a text that has changed since is not shown; the new text is checked. */
static void test_stale_answer(void **state) {
    initialize_with("{\"capabilities\":{}}");
    open_document("old");
    start_checks();
    change("[{\"text\":\"new\"}]");
    start_checks();
    assert_int_equal(fake_daemon_pending(&session->daemon), 1); /* one at a time */
    fake_daemon_answer(&session->daemon, NULL, SYNTAX_ERROR, NULL);
    hear(NULL);
    start_checks();
    expect_param("source", "new");
    fake_daemon_answer(&session->daemon, NO_RESULT, NULL, NULL);
    hear("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/publishDiagnostics\",\"params\":{\"uri\":\"file:///p/a.py\","
         "\"version\":2,\"diagnostics\":[]}}");
    hear(NULL);
    end();
}

/* After a change that is not understood nothing is checked until the whole text comes. */
static void test_lost_change(void **state) {
    static const char *const bad[] = {
        "[{}]",
        "[{\"text\":1}]",
        "[{\"range\":{},\"text\":\"\"}]",
        "[1]",
        "[{\"range\":{\"start\":{\"line\":-1,\"character\":0},\"end\":{\"line\":0,\"character\":0}},\"text\":\"\"}]",
        "[{\"range\":{\"start\":{\"line\":0,\"character\":1e99},\"end\":{\"line\":0,\"character\":0}},\"text\":\"\"}]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        initialize_with("{\"capabilities\":{}}");
        open_document("text");
        start_checks();
        change(bad[i]);
        assert_int_equal(fake_daemon_pending(&session->daemon), 0);
        hush();
        change("[{\"range\":{\"start\":{\"line\":0,\"character\":0},\"end\":{\"line\":0,\"character\":0}},"
               "\"text\":\"x\"}]");
        start_checks();
        assert_int_equal(fake_daemon_pending(&session->daemon), 0);
        change("[{\"text\":\"whole\"}]");
        start_checks();
        expect_param("source", "whole");
        end();
    }
}

/* A message that is no JSON may have been a change. */
static void test_no_json(void **state) {
    initialize_with("{\"capabilities\":{}}");
    open_document("text");
    start_checks();
    fake_daemon_answer(&session->daemon, NULL, SYNTAX_ERROR, NULL);
    hush();
    say("{\"jsonrpc\":");
    hush();
    list_each(link, &session->documents) {
        assert_false(list_entry(link, struct document, link)->known);
    }
    open_document("again");
    start_checks();
    expect_param("source", "again");
    end();
}

static void pull(const char *id, const char *previous) {
    char *text = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"textDocument/diagnostic\",\"params\":"
                           "{\"textDocument\":{\"uri\":\"file:///p/a.py\"},\"previousResultId\":%s}}",
                           id, previous);
    say(text);
    free(text);
}

static void test_pulled(void **state) {
    initialize_with("{\"capabilities\":{\"textDocument\":{\"diagnostic\":{}}}}");
    open_document("a");
    start_checks();
    assert_int_equal(fake_daemon_pending(&session->daemon), 0); /* nobody has asked */
    pull("1", "null");
    pull("\"two\"", "null");
    start_checks();
    hear(NULL);
    fake_daemon_answer(&session->daemon, NO_RESULT, NULL, NULL);
    hear("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"kind\":\"full\",\"resultId\":\"1\",\"items\":[]}}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":\"two\",\"result\":{\"kind\":\"full\",\"resultId\":\"1\",\"items\":[]}}");
    pull("3", "\"1\"");
    hear("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"kind\":\"unchanged\",\"resultId\":\"1\"}}");
    change("[{\"text\":\"b\"}]");
    pull("4", "\"1\"");
    pull("5", "\"1\"");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":4}}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32800,\"message\":\"cancelled\"}}");
    start_checks();
    fake_daemon_answer(&session->daemon, NULL, NULL, "no daemon");
    hear("{\"jsonrpc\":\"2.0\",\"method\":\"window/showMessage\",\"params\":{\"type\":1,\"message\":"
         "\"pycompiled: no daemon\"}}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":-32802,\"message\":\"no daemon\",\"data\":"
         "{\"retriggerRequest\":false}}}");
    pull("6", "\"1\"");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didClose\",\"params\":{\"textDocument\":"
        "{\"uri\":\"file:///p/a.py\"}}}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":6,\"error\":{\"code\":-32802,\"message\":\"the document was closed\",\"data\":"
         "{\"retriggerRequest\":false}}}");
    hear(NULL);
    end();
}

static void save(void) {
    say("{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didSave\",\"params\":{\"textDocument\":"
        "{\"uri\":\"file:///p/a.py\"}}}");
}

/* Saves during a compile cause one more compile. */
static void test_saved(void **state) {
    initialize_with("{\"capabilities\":{}}");
    save();
    save();
    save();
    assert_int_equal(fake_daemon_pending(&session->daemon), 1);
    expect_param("priority", "background");
    fake_daemon_answer(&session->daemon, "{}", NULL, NULL);
    assert_int_equal(fake_daemon_pending(&session->daemon), 1);
    fake_daemon_answer(&session->daemon, NULL, SYNTAX_ERROR, NULL);
    hear(NULL); /* diagnostics show it */
    assert_true(list_empty(&session->files));
    save();
    fake_daemon_answer(&session->daemon, NULL, "{\"code\":-32002,\"message\":\"disk full\"}", NULL);
    hear("{\"jsonrpc\":\"2.0\",\"method\":\"window/logMessage\",\"params\":{\"type\":2,\"message\":"
         "\"pycompiled: /p/a.py: disk full\"}}");
    end();
}

static void test_save_turned_off(void **state) {
    initialize_with("{\"capabilities\":{},\"initializationOptions\":{\"compileOnSave\":false}}");
    save();
    assert_int_equal(fake_daemon_pending(&session->daemon), 0);
    end();
}

static void command(const char *id, const char *name, const char *arguments) {
    char *text = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"workspace/executeCommand\",\"params\":"
                           "{\"command\":\"pycompiled.%s\",\"arguments\":%s}}",
                           id, name, arguments);
    say(text);
    free(text);
}

static void test_compile_file(void **state) {
    initialize_with("{\"capabilities\":{}}");
    command("1", "compileFile", "[\"file:///p/a.py\"]");
    expect_param("file", "/p/a.py");
    fake_daemon_answer(&session->daemon, NULL, SYNTAX_ERROR, NULL);
    struct buffer *heard = &session->editor.unsent;
    assert_non_null(strstr(buffer_string(heard), "\"code\":-32803,\"message\":\"the text\\n\""));
    hush();
    command("2", "compileFile", "[\"file:///p/a.py\"]");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":2}}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32800,\"message\":\"cancelled\"}}");
    assert_int_equal(fake_daemon_pending(&session->daemon), 0);
    command("3", "compileFile", "[\"untitled:x\"]");
    hear("{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32602,\"message\":"
         "\"Invalid params of workspace/executeCommand\"}}");
    end();
}

static void make_file(const char *folder, const char *name) {
    char *path = xasprintf("%s/%s", folder, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    free(path);
}

static void remove_file(const char *folder, const char *name) {
    char *path = xasprintf("%s/%s", folder, name);
    remove(path);
    free(path);
}

static void test_workspace_run(void **state) {
    static const char *const names[] = {"a.py", "b.py", "c.txt", ".d.py"};
    char folder[] = "/tmp/pycompiled-unit-XXXXXX";
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < 4; i++)
        make_file(folder, names[i]);
    char *uri = xasprintf("[\"file://%s\"]", folder);
    initialize_with("{\"capabilities\":{}}");
    command("1", "compileWorkspace", uri);
    command("2", "compileWorkspace", uri);
    hear("{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32803,\"message\":"
         "\"the workspace is being compiled already\"}}");
    while (workspace_run_step(session))
        ;
    assert_int_equal(fake_daemon_pending(&session->daemon), 2);
    fake_daemon_answer(&session->daemon, "{\"outcome\":\"compiled\"}", NULL, NULL);
    fake_daemon_answer(&session->daemon, "{\"outcome\":\"up-to-date\"}", NULL, NULL);
    workspace_run_step(session);
    hear("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"files\":2,\"compiled\":1,\"upToDate\":1,\"failed\":0,"
         "\"errors\":[]}}");
    command("3", "compileWorkspace", uri);
    workspace_run_step(session);
    say("{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":3}}");
    hear("{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32800,\"message\":\"cancelled\"}}");
    assert_int_equal(fake_daemon_pending(&session->daemon), 0);
    end();
    for (size_t i = 0; i < 4; i++)
        remove_file(folder, names[i]);
    rmdir(folder);
    free(uri);
}

/* All that a session can hold is freed: for the sanitizers. */
static void test_torn_down_at_work(void **state) {
    initialize_with("{\"capabilities\":{\"textDocument\":{\"diagnostic\":{}}},\"rootUri\":\"file:///nowhere\"}");
    open_document("a");
    pull("1", "null");
    start_checks();
    pull("2", "\"9\"");
    save();
    command("3", "compileFile", "[\"file:///p/b.py\"]");
    command("4", "compileWorkspace", "[]");
    end();
}

static void test_settings(void **state) {
    struct settings settings;
    char *why = NULL;
    settings_init(&settings);
    cJSON *tree = cJSON_Parse("{\"pycompiled\":{\"python\":\"3.11\",\"optimize\":2,\"warnings\":[\"error\"]}}");
    assert_int_equal(settings_apply(&settings, tree, &why), 0);
    cJSON_Delete(tree);
    assert_string_equal(settings.python, "3.11");
    assert_int_equal(settings.optimize, 2);
    assert_true(settings.compile_on_save);
    static const char *const bad[] = {"{\"optimise\":1}", "{\"optimize\":3}", "{\"warnings\":[1]}", "[1]", "7"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tree = cJSON_Parse(bad[i]);
        assert_true(settings_apply(&settings, tree, &why) < 0);
        assert_true(why[0] != '\0');
        free(why);
        assert_string_equal(settings.python, "3.11"); /* unchanged */
        cJSON_Delete(tree);
    }
    tree = cJSON_Parse("[]");
    assert_int_equal(settings_apply(&settings, tree, &why), 0);
    assert_null(settings.python);
    assert_int_equal(settings.optimize, -1);
    cJSON_Delete(tree);
    settings_deinit(&settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),           cmocka_unit_test(test_exit_at_once),
        cmocka_unit_test(test_broken_framing),  cmocka_unit_test(test_edits),
        cmocka_unit_test(test_published),       cmocka_unit_test(test_stale_answer),
        cmocka_unit_test(test_lost_change),     cmocka_unit_test(test_no_json),
        cmocka_unit_test(test_pulled),          cmocka_unit_test(test_saved),
        cmocka_unit_test(test_save_turned_off), cmocka_unit_test(test_compile_file),
        cmocka_unit_test(test_workspace_run),   cmocka_unit_test(test_torn_down_at_work),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
