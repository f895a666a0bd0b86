"""The remote tier of the cache on a web server: with a real nginx, and with servers that are dead, slow or hostile."""
import base64
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import unittest

import e2e_support as e2e
from http_support import Nginx, WebImpostor, has_webdav, read_request
from redis_support import free_port
from test_remote_cache import SECRET, Case as RemoteCase, peak_kib, status_of, wait_for

BASIC = "Basic " + base64.b64encode(b"user:pass word").decode()


def why_missing():
    """Why this build or machine cannot speak HTTP, or None."""
    run = subprocess.run([e2e.DAEMON, "--socket", "/no/such/socket", "--remote-cache", "http://127.0.0.1:1/"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, env={**os.environ, "PYCOMPILED_REMOTE_SECRET": ""})
    if b"built without HTTP" in run.stderr:
        return "this build has no libcurl"
    return "this machine has no libcurl" if b"has no libcurl" in run.stderr else None


def make_certificate(folder, name="127.0.0.1"):
    """The paths of a certificate and its key."""
    cert, key = os.path.join(folder, name + ".cert"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=test", "-addext", "subjectAltName=IP:" + name, "-keyout", key, "-out", cert],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


class Case(RemoteCase):
    def setUp(self):
        super().setUp()
        missing = why_missing()
        if missing:
            self.skipTest(missing)

    def daemon(self, url, *options, **others):
        """A test that is about no time limit has none that matters: handshakes take long under a sanitizer."""
        return super().daemon(url, "--remote-timeout", "30000", *options, **others)

    def compile_paths(self, daemon, paths, outcome):
        with daemon.connect() as connection:
            ids = {connection.request("compile", {"file": path}) for path in paths}
            while ids:
                answer = connection.receive()
                self.assertEqual(answer["result"]["outcome"], outcome, daemon.read_log())
                ids.discard(answer["id"])

    def serves(self, setting, count=20):
        """What one daemon has stored, another finds."""
        paths = [self.new_file() for _ in range(count)]
        with self.daemon(setting) as daemon:
            self.compile_paths(daemon, paths, "compiled")
            wait_for(daemon, stored=count, dropped=0, failures=0)
        with self.daemon(setting) as daemon:
            self.compile_paths(daemon, paths, "cached")
            self.assertEqual(status_of(daemon)["hits"], count)
            return status_of(daemon), daemon.read_log()


@unittest.skipUnless(has_webdav(), "nginx with WebDAV is not installed")
class WithNginx(Case):
    def test_layouts(self):
        for layout, pattern in (("", "[0-9a-f]{2}/[0-9a-f]{62}"), ("layout=subdirs", "[0-9a-f]{2}/[0-9a-f]{62}"),
                                ("layout=flat", "[0-9a-f]{64}"), ("layout=bazel", "ac/[0-9a-f]{64}")):
            with self.subTest(layout), Nginx() as nginx:
                self.serves("%s %s" % (nginx.url, layout))
                names = nginx.files()
                self.assertEqual(len(names), 20)
                for name in names:
                    self.assertRegex(name, "^a/cache/%s$" % pattern)

    def test_who_may(self):
        """A server that wants a name: by URL, by netrc, by a token, by a header. None of them shows anywhere."""
        netrc = self.write("netrc", b'machine 127.0.0.1 login user password "pass word"\n')
        token = self.write("token", b"t0ken-of-the-farm\n")
        for wanted, prefix, settings in (
                (BASIC, "user:pass%20word@", ""), (BASIC, "", "netrc-file=" + netrc),
                ("Bearer t0ken-of-the-farm", "", "bearer-token=t0ken-of-the-farm"),
                ("Bearer t0ken-of-the-farm", "", "bearer-token-file=" + token),
                ("Key x y", "", "@header=Authorization:%20Key%20x%20y")):
            with self.subTest(wanted), Nginx(server='if ($http_authorization != "%s") { return 401; }' % wanted) as nginx:
                status, log = self.serves("%s %s" % (nginx.url.replace("//", "//" + prefix), settings))
                for secret in ("pass", "t0ken", "Key x"):
                    self.assertNotIn(secret, str(status) + log)
                with self.daemon(nginx.url) as daemon:
                    self.compile_new(daemon, 5)
                    self.assertIn("HTTP status 401", daemon.read_log())
                    self.assertTrue(status_of(daemon)["away"])

    def test_read_only(self):
        with Nginx() as nginx, self.daemon(nginx.url + " read-only") as daemon:
            self.compile_new(daemon, 5)
            self.assertEqual((status_of(daemon)["stored"], nginx.files()), (0, []))

    def test_refuses_to_store(self):
        """Lookups go on."""
        with Nginx(location="limit_except GET { deny all; }") as nginx, self.daemon(nginx.url) as daemon:
            self.compile_new(daemon, 5)
            wait_for(daemon, dropped=5, stored=0, away=False)

    def test_what_others_have_written(self):
        paths = [self.new_file() for _ in range(4)]
        with Nginx() as nginx:
            with self.daemon(nginx.url) as daemon:
                self.compile_paths(daemon, paths, "compiled")
                wait_for(daemon, stored=4)
            for name, change in zip(nginx.files(), (lambda data: data[:-1], lambda data: b"", lambda data: data[::-1],
                                                    lambda data: data + b"x")):
                with open(nginx.path(name), "rb") as file:
                    data = file.read()
                with open(nginx.path(name), "wb") as file:
                    file.write(change(data))
            with self.daemon(nginx.url) as daemon:
                self.compile_paths(daemon, paths, "compiled")
                wait_for(daemon, refused=4, stored=4)

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate with")
    def test_tls_http2_and_a_client_certificate(self):
        cert, key = make_certificate(self.folder)
        server = "ssl_certificate %s; ssl_certificate_key %s; ssl_client_certificate %s; ssl_verify_client on;" % (cert, key, cert)
        with Nginx(server=server, scheme="https", listen=" ssl http2") as nginx:
            self.serves("%s ca-file=%s client-cert=%s client-key=%s" % (nginx.url, cert, cert, key))
            self.assertTrue(any("PUT 201 HTTP/2" in line for line in nginx.accesses()), nginx.accesses())
            with self.daemon("%s ca-file=%s" % (nginx.url, cert)) as daemon:
                self.compile_new(daemon, 5)
                self.assertTrue(status_of(daemon)["away"], daemon.read_log())
            with self.daemon(nginx.url) as daemon:
                self.compile_new(daemon, 5)
                self.assertIn("certificate", daemon.read_log())


class Hostile(Case):
    def left_alone(self, url, *options, files=20):
        """Whatever the server does, every file is compiled, and the server is left alone. Returns the log."""
        with self.daemon(url, *options) as daemon:
            self.compile_new(daemon, files)
            status = status_of(daemon)
            self.assertEqual((status["away"], status["failures"], status["hits"]), (True, 1, 0), daemon.read_log())
            self.compile_new(daemon, files)
            self.assertEqual(status_of(daemon)["misses"], status["misses"])
            return daemon.read_log()

    def answers(self, data, *options, then=b"", files=5):
        """left_alone() by a server that answers with these bytes, and goes on with others for ever."""
        def answer(connection, file):
            while read_request(file):
                connection.sendall(data)
                while then:
                    connection.sendall(then)
                if not data.endswith(b"\n\n"):
                    return
        with WebImpostor(answer) as server:
            return self.left_alone(server.url, *options, files=files)

    def test_dead(self):
        for url in ("http://127.0.0.1:%d/" % free_port(), "http://no-such-host.invalid/", "http://x" + "x" * 300):
            self.left_alone(url, "--remote-timeout", "500")

    def test_silent(self):
        with WebImpostor(lambda connection, file: file.read()) as server:
            self.assertIn("no answer in time", self.left_alone(server.url, "--remote-timeout", "50"))

    def test_drips(self):
        def answer(connection, file):
            read_request(file)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                connection.sendall(b"x")
                time.sleep(0.02)
        with WebImpostor(answer) as server:
            self.left_alone(server.url, "--remote-timeout", "100")

    def test_statuses(self):
        for status in (401, 403, 418, 500, 503):
            log = self.answers(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)
            self.assertIn("HTTP status %d" % status, log)

    def test_nonsense(self):
        for data in (b"", b"\0" * 1000, b"+OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            with self.subTest(data):
                self.answers(data, "--remote-timeout", "300")

    def test_without_an_end(self):
        """Bodies, headers and lengths without an end are not taken into memory."""
        chunk = b"x" * 50000
        for data, then in ((b"HTTP/1.1 200 OK\r\n\r\n", chunk), (b"HTTP/1.1 404 No\r\n\r\n", chunk), (b"HTTP/1.1 500 No\r\n\r\n", chunk),
                           (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", chunk),
                           (b"HTTP/1.1 200 OK\r\n", b"X-%s: y\r\n" % chunk[:5000]), (b"HTTP/1.1 200 OK\r\nX: ", chunk)):
            def answer(connection, file, data=data, then=then):
                read_request(file)
                connection.sendall(data)
                while True:
                    connection.sendall(then)
            with self.subTest(data), WebImpostor(answer) as server, \
                    self.daemon(server.url, "--remote-timeout", "60000", "--workers", "1") as daemon:
                self.compile_new(daemon, 1)
                wait_for(daemon, away=True, failures=1)
                self.assertNotIn("in time", daemon.read_log())
                self.assertLess(max(peak_kib(pid) for pid in daemon.pids()), 400 << 10)

    def test_many_large_values(self):
        """All that runs at once together is bounded like one value."""
        def answer(connection, file):
            while read_request(file):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (30 << 20) + bytes(30 << 20))
        with WebImpostor(answer) as server, self.daemon(server.url, "--remote-timeout", "60000", "--workers", "1") as daemon:
            self.compile_new(daemon, 12)
            self.assertLess(max(peak_kib(pid) for pid in daemon.pids()), 400 << 10)

    def test_redirects(self):
        """Three are followed; a loop, another protocol and a file are not."""
        asked = []

        def hop(connection, file):
            while (request := read_request(file)) is not None:
                asked.append(request[1])
                depth = len(re.findall("/hop", request[1]))
                target = request[1].replace("/x/", "/hop/x/", 1) if depth < self.hops else None
                connection.sendall(b"HTTP/1.1 307 No\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n" % target.encode() if target else
                                   b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        self.hops = 3
        with WebImpostor(hop) as server, self.daemon(server.url) as daemon:
            self.compile_new(daemon, 1)
            wait_for(daemon, misses=1, away=False, dropped=1)
            self.assertTrue(any("/hop/hop/hop" in path for path in asked))
        self.hops = 1000
        with WebImpostor(hop) as server:
            self.assertIn("redirects", self.left_alone(server.url))
        for target in (b"file:///etc/passwd", b"ftp://127.0.0.1/", b"gopher://127.0.0.1:1/x"):
            self.answers(b"HTTP/1.1 302 No\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n" % target)

    def test_headers_stay_with_their_server(self):
        """A redirect to another port is not followed where a header may be a secret; one to the same server is."""
        asked, other = [], []

        def answer_other(connection, file):
            while (request := read_request(file)) is not None:
                other.append(request)
                connection.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")

        def answer(connection, file):
            while (request := read_request(file)) is not None:
                asked.append(request)
                target = self.target + request[1].replace("/x/", "/y/") if "/x/" in request[1] else None
                connection.sendall(b"HTTP/1.1 307 No\r\nContent-Length: 9\r\nLocation: %s\r\n\r\nelsewhere" % target.encode() if target else
                                   b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        with WebImpostor(answer_other) as second, WebImpostor(answer) as server:
            self.target = second.url[:-2]
            self.assertIn("another server", self.left_alone(server.url + " @header=X-Api-Key:k", files=5))
            self.assertEqual(other, [])
            for self.target in ("", server.url[:-2]):
                asked.clear()
                with self.daemon(server.url + " @header=X-Api-Key:k") as daemon:
                    self.compile_new(daemon, 1)
                    wait_for(daemon, misses=1, away=False, dropped=1)
                self.assertTrue(any("/y/" in request[1] for request in asked))
                self.assertEqual({request[2].get("x-api-key") for request in asked}, {"k"})
            self.target = second.url[:-2]
            with self.daemon(server.url) as daemon:
                self.compile_new(daemon, 1)
                wait_for(daemon, misses=1, away=False, dropped=1)
            self.assertNotEqual(other, [])

    def test_stores_that_fail(self):
        """One that is redirected to a lookup is not stored; one whose answer is cut off says nothing about the others."""
        redirect = b"HTTP/1.1 303 No\r\nContent-Length: 0\r\nLocation: /y\r\n\r\n"
        for settings in ("", " @header=X:y"):
            for bad in (redirect, b"HTTP/1.1 201 Yes\r\nContent-Length: 5\r\n\r\n"):
                left = [bad]

                def answer(connection, file, left=left):
                    while (request := read_request(file)) is not None:
                        if request[0] == "PUT" and left:
                            connection.sendall(left.pop())
                            connection.shutdown(socket.SHUT_RDWR)
                            return
                        status = b"200 Yes" if request[0] == "PUT" or request[1] == "/y" else b"404 No"
                        connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status)
                with self.subTest(bad=bad, settings=settings), WebImpostor(answer) as server, \
                        self.daemon(server.url + settings) as daemon:
                    self.compile_new(daemon, 6)
                    wait_for(daemon, dropped=1, stored=5, away=False, failures=0)

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate with")
    def test_wrong_certificate(self):
        """Of another host, or of nobody whom the machine knows; and no way down from TLS."""
        cert, key = make_certificate(self.folder, "127.0.0.9")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)

        requests = []
        with WebImpostor(lambda connection, file: requests.append(read_request(file)), context) as server:
            for settings in ("", " ca-file=" + cert):
                log = self.left_alone(server.url + settings)
                self.assertTrue("certificate" in log or "SSL" in log, log)
        self.assertEqual([request for request in requests if request], [])

    def test_words_in_the_log(self):
        log = self.answers(b"HTTP/1.1 503 \x1b[2J%s\r\nContent-Length: 0\r\n\r\n" % (b"x" * 300))
        self.assertNotIn("\x1b", log)


class Settings(Case):
    def test_bad_ones(self):
        for text in ("http://", "http://:80/", "http://h/?a=b", "http://h/#a", "http://u:%zz@h/", "http://h/ layout=deep", "http://h/ x=y",
                     "http://h/ bearer-token=", "http://h/ bearer-token-file=/no/such", "http://h/ @header=x",
                     "http://h/ ca-file=relative.pem", "http://h/ bearer-token-file=relative",
                     "http://h/ @header=a:b%0d%0ac:d", "layout=flat http://h/", "redis://h layout=flat", "http://h/ ca-file=%z"):
            run = subprocess.run([e2e.DAEMON, "--socket", os.path.join(self.folder, "run", "socket"), "--remote-cache", text],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYCOMPILED_REMOTE_SECRET": SECRET})
            self.assertEqual(run.returncode, 2, text)
            self.assertIn(b"not a remote cache's URL", run.stderr)
            self.assertEqual(run.stderr.count(b"\n"), 1)

    def test_a_file_that_is_gone(self):
        """The hosts read it too: they go on without the remote cache, and say why."""
        token = self.write("token", b"hidden\n")
        with self.daemon("http://127.0.0.1:1/ bearer-token-file=" + token, "--workers", "1") as daemon:
            os.unlink(token)
            self.compile_new(daemon, 1)
            wait_for(daemon, failures=1, misses=0)
            self.assertIn("without the remote cache: not a remote cache's URL: its bearer-token-file cannot be read", daemon.read_log())

    def test_no_libcurl(self):
        """The daemon says so at its start, and what to install."""
        for name in ("libcurl.so.4", "libcurl-gnutls.so.4"):
            self.write(name, b"")
        for url, wanted in (("http://127.0.0.1:1/", b"libcurl4"), ("unix:///no/such/socket", b"secret of 16 bytes")):
            run = subprocess.run([e2e.DAEMON, "--socket", os.path.join(self.folder, "run", "socket"), "--remote-cache", url],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env={**os.environ, "PYCOMPILED_REMOTE_SECRET": "short", "LD_LIBRARY_PATH": self.folder})
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(wanted, run.stderr)
            self.assertEqual(run.stderr.count(b"\n"), 1)

    def test_shown_without_secrets(self):
        with self.daemon("http://user:hidden@127.0.0.1:1/p bearer-token=hidden @header=X:hidden") as daemon:
            self.assertEqual(status_of(daemon)["url"], "http://127.0.0.1:1/p/")


if __name__ == "__main__":
    e2e.main()
