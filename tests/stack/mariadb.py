"""A private MariaDB: one socket, no network, no password for the one who started it."""

import os
import pwd
import shutil
import subprocess

import pymysql
from pymysql.constants import CLIENT

from .processes import Service, StackError, clean_environment

SOCKET_PATH_BYTES = 107

SETTINGS = """[mariadbd]
datadir = {data}
socket = {socket}
pid-file = {folder}/mariadbd.pid
tmpdir = {folder}
skip-networking
skip-name-resolve
local-infile = OFF
performance-schema = OFF
max-connections = 600
character-set-server = utf8mb4
collation-server = utf8mb4_unicode_ci
default-time-zone = +00:00
innodb-flush-log-at-trx-commit = 1
innodb-log-file-size = 8M
innodb-buffer-pool-size = 64M
innodb-temp-data-file-path = ibtmp1:4M:autoextend
innodb-autoextend-increment = 8
"""


class MariaDb:
    """The server and its data in one folder; SQL as its all-powerful account."""

    def __init__(self, folder, sockets, account, log):
        self.account = account
        self.folder = account.folder(folder)
        self.data = self.folder / "data"
        self.socket = str(sockets / "mariadb.sock")
        if len(os.fsencode(self.socket)) > SOCKET_PATH_BYTES:
            raise StackError(f"{self.socket}: longer than a socket's path may be, "
                             f"{SOCKET_PATH_BYTES} bytes")
        self.settings = account.file(self.folder / "mariadb.cnf", SETTINGS.format(
            data=self.data, socket=self.socket, folder=self.folder), 0o400)
        self.service = Service("mariadbd", ["mariadbd", f"--defaults-file={self.settings}"],
                               account, log, environment=clean_environment(HOME=str(self.folder)))
        self._connection = None

    def start(self):
        if not self.data.exists():
            self._install()
        self.service.start(self.answers)

    def stop(self):
        self.disconnect()
        return self.service.stop()

    def restart(self):
        self.stop()
        self.start()

    def kill(self):
        self.disconnect()
        self.service.kill()

    def _install(self):
        """Makes the data folder, complete or not at all."""
        new = self.folder / "data.new"
        if new.exists():
            shutil.rmtree(new)
        self.account.folder(new)
        done = subprocess.run(self.account.command([
            "mariadb-install-db", f"--defaults-file={self.settings}", f"--datadir={new}",
            "--auth-root-authentication-method=socket",
            f"--auth-root-socket-user={self.account.name}", "--skip-test-db"]),
            env=self.service.environment, cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise StackError(f"mariadb-install-db failed:\n{done.stdout}")
        new.rename(self.data)

    def connect(self, **options):
        """A connection of its own (pymysql); by default as the all-powerful account."""
        options.setdefault("user", pwd.getpwuid(os.geteuid()).pw_name)
        return pymysql.connect(unix_socket=self.socket, charset="utf8mb4", autocommit=True,
                               cursorclass=pymysql.cursors.DictCursor, connect_timeout=2,
                               client_flag=CLIENT.FOUND_ROWS, **options)

    def answers(self):
        try:
            with self.connect() as connection, connection.cursor() as cursor:
                return cursor.execute("SELECT 1") == 1
        except pymysql.err.OperationalError:
            return False

    def sql(self, query, values=None, database=None):
        """One statement; a list of rows (dicts), or the count of rows that it matched."""
        if self._connection is None:
            self._connection = self.connect()
        if database:
            self._connection.select_db(database)
        with self._connection.cursor() as cursor:
            count = cursor.execute(query, values)
            return list(cursor.fetchall()) if cursor.description else count

    def disconnect(self):
        if self._connection is not None:
            try:
                self._connection.close()
            except pymysql.err.Error:
                pass
            self._connection = None


class Schema:
    """calbridge's database: its two users, their rights, and its content."""

    # What the run user may do to a table, where it is not everything.
    RIGHTS = {"audit_log": "SELECT, INSERT", "schema_migrations": "SELECT"}
    ALL_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"

    def __init__(self, server, name="calbridge"):
        self.server, self.name = server, name
        self.kept = {}

    def create(self, run, migrate):
        """The database and its users, (name, password) each; existing ones are kept."""
        sql = self.server.sql
        sql(f"CREATE DATABASE IF NOT EXISTS `{self.name}`")
        for user, password in (run, migrate):
            sql("CREATE USER IF NOT EXISTS %s@localhost", (user,))
            sql("ALTER USER %s@localhost IDENTIFIED BY %s", (user, password))
        sql(f"GRANT ALL ON `{self.name}`.* TO %s@localhost", (migrate[0],))

    def tables(self):
        rows = self.server.sql(
            "SELECT table_name AS name FROM information_schema.tables "
            "WHERE table_schema = %s AND table_type = 'BASE TABLE'", (self.name,))
        return sorted(row["name"] for row in rows)

    def grant(self, user):
        """Rights of the run user, table by table: nothing can be taken out of a wider grant."""
        for table in self.tables():
            rights = self.RIGHTS.get(table, self.ALL_RIGHTS)
            self.server.sql(f"GRANT {rights} ON `{self.name}`.`{table}` TO %s@localhost", (user,))

    def remember(self):
        """Notes the present content as what clean() goes back to."""
        self.kept = {table: self.server.sql(f"SELECT * FROM `{table}`", database=self.name)
                     for table in self.tables()}

    def clean(self):
        """Brings every table back to what remember() saw."""
        sql = self.server.sql
        sql("SET SESSION foreign_key_checks = 0", database=self.name)
        try:
            for table, rows in self.kept.items():
                sql(f"DELETE FROM `{table}`")
                for row in rows:
                    columns = ", ".join(f"`{column}`" for column in row)
                    marks = ", ".join(["%s"] * len(row))
                    sql(f"INSERT INTO `{table}` ({columns}) VALUES ({marks})", tuple(row.values()))
        finally:
            sql("SET SESSION foreign_key_checks = 1")
