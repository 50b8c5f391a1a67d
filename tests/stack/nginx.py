"""A private nginx with the site of production, and TLS for the sandbox."""

import re
import subprocess
from pathlib import Path

from .processes import Service, StackError, clean_environment

HERE = Path(__file__).resolve().parent


def fill(template, values):
    """A template with its @NAME@ replaced; all must be known."""
    return re.sub(r"@([A-Z_]+)@", lambda found: str(values[found[1]]), template.read_text())


class Nginx:
    """nginx.conf, the site and the sandbox's front in one folder."""

    # An open door for load tests: a test of the limits sets them itself.
    LIMITS = {"RATE": 100000, "BURST": 100000, "CONNECTIONS": 10000, "READ_TIMEOUT": "40s"}

    def __init__(self, folder, account, log):
        self.folder, self.account = account.folder(folder), account
        self.configuration = self.folder / "nginx.conf"
        self.access_log = self.folder / "access.log"
        self.error_log = self.folder / "error.log"
        self.argv = ["nginx", "-e", str(self.error_log), "-p", str(self.folder),
                     "-c", str(self.configuration)]
        self.service = Service("nginx", self.argv, account, log,
                               environment=clean_environment())

    def configure(self, source, site, sandbox=None):
        """Writes all files: site and sandbox hold the values of the templates' names."""
        values = {"FRAGMENTS": source / "nginx", "HTML": source / "nginx" / "html",
                  "ACCESS_LOG": self.access_log, "ERROR_LOG": self.error_log, "HSTS": "",
                  "SERVER_NAME": "localhost", **self.LIMITS, **site}
        self.account.file(self.folder / "site.conf",
                          fill(source / "nginx" / "calbridge.conf.in", values), 0o400)
        text = fill(HERE / "sandbox.conf.in", sandbox) if sandbox else ""
        self.account.file(self.folder / "sandbox.conf", text, 0o400)
        self.account.file(self.configuration, fill(HERE / "nginx.conf.in", {
            "FOLDER": self.folder, "ERROR_LOG": self.error_log}), 0o400)

    def check(self):
        done = subprocess.run(self.account.command([*self.argv, "-t"]), stdin=subprocess.DEVNULL,
                              env=self.service.environment, text=True, check=False, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise StackError(f"nginx refuses its configuration:\n{done.stdout}")

    def start(self, ready):
        self.check()
        self.service.start(ready)

    def stop(self):
        return self.service.stop()

    def reload(self):
        """New configuration, new workers; the old ones finish what they have."""
        self.check()
        self.service.process.send_signal(1)
