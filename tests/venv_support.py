"""Virtual environments with made-up distributions, for tests and bench/run."""
import os
import subprocess


class Environment:
    def __init__(self, python, folder):
        self.folder, self.python = folder, os.path.join(folder, "bin", "python")
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        script = "import sysconfig; print(sysconfig.get_path('purelib'))"
        self.site = subprocess.check_output([self.python, "-c", script], text=True).strip()

    def path(self, *names):
        return os.path.join(self.site, *names)

    def write(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def record(self, name, version, rows):
        """As an installer, writes the RECORD at the end and in the place of an older one."""
        path = self.write("%s-%s.dist-info/RECORD.new" % (name, version), rows)
        os.rename(path, path[:-len(".new")])

    def install(self, name, files, version="1.0"):
        """`files`: {relative path: bytes}."""
        for path, data in files.items():
            self.write(path, data)
        rows = [path.replace('"', '""') for path in files]
        rows = ['"%s"' % row if set(row) & set(',"\n') else row for row in rows]
        self.record(name, version, "".join("%s,sha256=AA,%d\r\n" % (row, len(data)) for row, data in
                                           zip(rows, files.values())).encode("utf-8", "surrogateescape"))

    def install_many(self, distributions, files):
        for i in range(distributions):
            name = "made%03d" % i
            self.install(name, {"%s/part%d/mod%d.py" % (name, j % 7, j): b"X = %d\ndef f(a):\n    return a + %d\n" % (i, j)
                                for j in range(files)})
