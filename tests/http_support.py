"""For tests of the remote cache over HTTP: a real nginx in its own folder, and web servers that misbehave."""
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import e2e_support as e2e
from redis_support import free_port

CONFIG = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/log warn;
events {{ worker_connections 512; }}
http {{
  log_format seen "$request_method $status $server_protocol $uri"; access_log {folder}/access seen;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; client_max_body_size 64m;
  {extra}
  server {{
    listen 127.0.0.1:{port}{listen};
    {server}
    location / {{ root {folder}/files; dav_methods PUT DELETE; create_full_put_path on; {location} }}
  }}
}}
"""


def find_nginx():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def has_webdav():
    program = find_nginx()
    return program is not None and b"http_dav_module" in subprocess.run([program, "-V"], stderr=subprocess.PIPE).stderr


class Nginx:
    """A server with WebDAV. `server`, `location`: more lines of its configuration; {folder} is its folder."""

    def __init__(self, server="", location="", scheme="http", listen="", extra=""):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        os.chmod(self.folder, 0o755)
        for name in ("files", "body"):
            os.mkdir(os.path.join(self.folder, name))
            os.chmod(os.path.join(self.folder, name), 0o777)
        self.port = free_port()
        self.url = "%s://127.0.0.1:%d/a/cache" % (scheme, self.port)
        self.parts = {"server": server, "location": location, "listen": listen, "extra": extra}
        self.process = None

    def __enter__(self):
        parts = {name: text.replace("{folder}", self.folder) for name, text in self.parts.items()}
        with open(os.path.join(self.folder, "conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=self.folder, port=self.port, **parts))
        self.process = subprocess.Popen([find_nginx(), "-p", self.folder, "-c", os.path.join(self.folder, "conf"), "-e",
                                         os.path.join(self.folder, "log")], stdin=subprocess.DEVNULL)
        end = time.monotonic() + e2e.DEADLINE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                time.sleep(0.005)
        self.__exit__()
        raise AssertionError("nginx does not come up")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def files(self):
        """The names below its root, each with a file."""
        root = os.path.join(self.folder, "files")
        return sorted(os.path.relpath(os.path.join(path, name), root) for path, _, names in os.walk(root) for name in names)

    def path(self, name):
        return os.path.join(self.folder, "files", name)

    def accesses(self):
        with open(os.path.join(self.folder, "access"), encoding="utf-8") as file:
            return file.read().splitlines()


def read_request(file):
    """The method, the path and the headers of the next request; its body is read too. None: there is none."""
    line = file.readline().split()
    headers = {}
    while (text := file.readline().strip()) != b"":
        name, _, value = text.partition(b":")
        headers[name.lower().decode()] = value.strip().decode()
    file.read(int(headers.get("content-length", "0")))
    return (line[0].decode(), line[1].decode(), headers) if line else None


class WebImpostor:
    """A web server that calls answer(connection, file) for each connection, in a thread of its own."""

    def __init__(self, answer, context=None):
        self.answer, self.context, self.connections = answer, context, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = "%s://127.0.0.1:%d/x" % ("https" if context else "http", self.listener.getsockname()[1])

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()

    def serve_one(self, connection):
        self.connections.append(connection)
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
                self.connections.append(connection)
            with connection.makefile("rb") as file:
                self.answer(connection, file)
        except (OSError, ValueError, IndexError, TypeError):
            pass  # the connection is closed
