"""calbridge migrate says that the schema is current only when it is."""

import shutil
import subprocess

from stack.processes import clean_environment
from stack.stack import SOURCE


def migrate(stack, name, folder):
    """Brings a new database forward with the files of a folder."""
    stack.mariadb.sql(f"CREATE DATABASE {name}")
    stack.mariadb.sql(f"GRANT ALL ON {name}.* TO calbridge_migrate@localhost")
    argv = [stack.build / "calbridge", "--config", stack.settings.path, "migrate", "--sql", folder]
    done = subprocess.run(stack.account.command(map(str, argv)), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
                          env=clean_environment(DATABASE_NAME=name), timeout=60, check=False)
    stack.mariadb.sql(f"DROP DATABASE {name}")
    return done


def test_files_that_end_too_early_do_not_make_a_current_schema(stack):
    folder = stack.account.folder(stack.folder / "sql", 0o755)
    for path in sorted((SOURCE / "sql").glob("*.sql"))[:-1]:
        shutil.copy(path, folder)
    done = migrate(stack, "half", folder)
    assert done.returncode != 0 and "is at version" not in done.stdout
    assert "the schema is older than this program" in done.stderr


def test_every_file_makes_a_current_schema(stack):
    done = migrate(stack, "whole", SOURCE / "sql")
    assert done.returncode == 0 and "the schema is at version" in done.stdout
