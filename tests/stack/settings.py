"""The settings file of the private stack: a part we write, a part that is the user's."""

import secrets
from pathlib import Path

OURS = "# Written anew at every start. Lines below the next comment are yours and win."
YOURS = "# Yours: a name that stands here replaces the one above."
REAL = {"GOOGLE_CLIENT_ID", "MICROSOFT_CLIENT_ID"}


def parse(text):
    """NAME=value lines as a dict, in order; comments and empty lines are skipped."""
    pairs = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            pairs[name.strip()] = value.strip().strip("\"'")
    return pairs


class Settings:
    """Our lines stand above the user's; no name stands twice."""

    def __init__(self, path, account):
        self.path, self.account = Path(path), account
        text = self.path.read_text() if self.path.exists() else ""
        ours, mark, yours = text.partition(YOURS)
        self.ours = parse(ours)
        self.yours_text = yours if mark else "\n"
        self.yours = parse(self.yours_text)

    def __getitem__(self, name):
        return self.yours.get(name, self.ours.get(name))

    def kept(self, name):
        """The secret of this name that we made before, or a new one."""
        return self.ours.get(name) or secrets.token_urlsafe(32)

    def write(self, pairs):
        """Replaces our lines. Real credentials of the user switch the sandbox off."""
        if REAL & set(self.yours):
            pairs = {name: value for name, value in pairs.items()
                     if not name.startswith(("GOOGLE_", "MICROSOFT_"))
                     and name not in ("HTTPS_CA_FILE", "SANDBOX_NOTICE")}
        self.ours = {name: value for name, value in pairs.items() if value is not None}
        lines = [f"{name}={value}" for name, value in self.ours.items() if name not in self.yours]
        text = "\n".join([OURS, *lines, "", YOURS]) + self.yours_text
        self.account.file(self.path, text, 0o600)
