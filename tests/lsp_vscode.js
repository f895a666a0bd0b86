// Run by test_lsp_editors.py: the libraries that VS Code speaks the protocol with drive the server, in both models of diagnostics.
const { spawn } = require("child_process");
const assert = require("assert");
const {
  createProtocolConnection, StreamMessageReader, StreamMessageWriter, CancellationTokenSource, ErrorCodes, LSPErrorCodes,
  InitializeRequest, InitializedNotification, ShutdownRequest, ExitNotification, DidOpenTextDocumentNotification,
  DidChangeTextDocumentNotification, DidCloseTextDocumentNotification, PublishDiagnosticsNotification,
  DocumentDiagnosticRequest, ExecuteCommandRequest, WorkDoneProgressCreateRequest, WorkDoneProgress,
} = require("vscode-languageserver-protocol/node");

const server = process.env.LSP_SERVER, folder = process.env.LSP_FOLDER;
const uri = folder + "/buffer.py";

function start(capabilities) {
  const child = spawn(server, ["--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  const connection = createProtocolConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  const published = [], waiting = [], progress = [];
  connection.onNotification(PublishDiagnosticsNotification.type, (params) => {
    if (waiting.length) waiting.shift()(params); else published.push(params);
  });
  connection.onRequest(WorkDoneProgressCreateRequest.type, ({ token }) => {
    connection.onProgress(WorkDoneProgress.type, token, (value) => progress.push(value.kind));
  });
  const next = () => published.length ? Promise.resolve(published.shift()) : new Promise((resolve) => waiting.push(resolve));
  const ended = new Promise((resolve) => child.on("exit", resolve));
  connection.listen();
  const begin = () => connection.sendRequest(InitializeRequest.type, {
    processId: process.pid, rootUri: null, capabilities, workspaceFolders: [{ uri: folder, name: "folder" }],
  });
  return { connection, next, ended, begin, progress };
}

async function stop({ connection, ended }) {
  await connection.sendRequest(ShutdownRequest.type);
  await connection.sendNotification(ExitNotification.type);
  assert.strictEqual(await ended, 0);
  connection.dispose();
}

const open = (connection, text) => connection.sendNotification(DidOpenTextDocumentNotification.type,
  { textDocument: { uri, languageId: "python", version: 1, text } });
const change = (connection, version, contentChanges) =>
  connection.sendNotification(DidChangeTextDocumentNotification.type, { textDocument: { uri, version }, contentChanges });
const range = (a, b, c, d) => ({ start: { line: a, character: b }, end: { line: c, character: d } });

async function push() {
  const session = start({ window: { workDoneProgress: true } });
  const { connection, next } = session;
  await assert.rejects(connection.sendRequest(ShutdownRequest.type), { code: ErrorCodes.ServerNotInitialized });
  await session.begin();
  await connection.sendNotification(InitializedNotification.type, {});
  await open(connection, 's = "\u{1F40D}"; None = 1\n');
  let params = await next();
  assert.deepStrictEqual([params.version, params.diagnostics[0].range], [1, range(0, 10, 0, 14)]);
  await change(connection, 2, [{ range: range(0, 10, 0, 14), text: "x" }]);
  params = await next();
  assert.deepStrictEqual([params.version, params.diagnostics], [2, []]);
  await assert.rejects(connection.sendRequest("textDocument/hover", {}), { code: ErrorCodes.MethodNotFound });
  const result = await connection.sendRequest(ExecuteCommandRequest.type, { command: "pycompiled.compileWorkspace" });
  assert.strictEqual(result.files, 1);
  assert.strictEqual(session.progress[0], "begin");
  assert.strictEqual(session.progress[session.progress.length - 1], "end");
  await connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri } });
  assert.deepStrictEqual((await next()).diagnostics, []);
  await stop(session);
}

async function pull() {
  const session = start({ textDocument: { diagnostic: {} } });
  const { connection } = session;
  const { capabilities } = await session.begin();
  assert.ok(capabilities.diagnosticProvider);
  await open(connection, "x = (");
  const source = new CancellationTokenSource();
  const request = connection.sendRequest(DocumentDiagnosticRequest.type, { textDocument: { uri } }, source.token);
  source.cancel();
  await request.then(() => {}, (error) => assert.strictEqual(error.code, LSPErrorCodes.RequestCancelled));
  const report = await connection.sendRequest(DocumentDiagnosticRequest.type, { textDocument: { uri } });
  assert.deepStrictEqual([report.kind, report.items.length], ["full", 1]);
  await stop(session);
}

push().then(pull).then(() => console.log("done"), (error) => { console.error(error); process.exit(1); });
