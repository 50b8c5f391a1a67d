#!/bin/sh
# with_mariadb.sh PROGRAM [ARGUMENT...]: runs the program beside a MariaDB of its own.
#
# The server is new and empty, listens on a socket alone and goes away with everything it
# stored when the program ends. For the program are exported:
#   TEST_DB_SOCKET   the server's socket
#   TEST_DB_USER     who may do everything there, without a password
#   TEST_DB_FOLDER   a folder for the program's own files, removed at the end
#   TEST_DB_CA       the certificate that it shows on TLS, for the name 127.1
#   TEST_DB_PID      a file that holds the server's process id
#   TEST_DB_START    a command that starts the server again after it was killed
# MARIADB_ARGS may hold further options for mariadbd. The exit status is the program's.
set -eu

say() { echo "with_mariadb: $*" >&2; }

# Is there something we can run? A missing server is a skipped test for automake.
PATH=$PATH:/usr/sbin
for tool in mariadbd mariadb-install-db; do
	command -v "$tool" >/dev/null || { say "no $tool here"; exit 77; }
done

folder=$(mktemp -d "${TMPDIR:-/tmp}/cbdb.XXXXXX")
socket=$folder/run/db.sock
pid_file=$folder/run/db.pid
[ ${#socket} -le 107 ] || { say "socket path longer than 107 bytes: $socket"; exit 1; }

# mariadbd refuses to be root: it runs as an ordinary user who owns the data.
as=
if [ "$(id -u)" = 0 ]; then
	user=mysql
	id "$user" >/dev/null 2>&1 || user=nobody
	as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
	chmod 755 "$folder"
	mkdir "$folder/data" "$folder/run"
	chown "$user" "$folder/data" "$folder/run"
else
	mkdir "$folder/data" "$folder/run"
fi

# A certificate that is its own authority. The name is one that resolves to 127.0.0.1 and
# that is not taken for the loopback by its looks, so that it must be reached with TLS.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj /CN=calbridge-test -addext subjectAltName=DNS:127.1 \
	-keyout "$folder/run/key.pem" -out "$folder/run/cert.pem" 2>/dev/null || {
	say "openssl made no certificate"
	exit 1
}
[ -z "$as" ] || chown "$user" "$folder/run/key.pem"

cat >"$folder/my.cnf" <<END
[mariadbd]
datadir=$folder/data
socket=$socket
pid-file=$pid_file
tmpdir=$folder/run
skip-networking
skip-log-bin
skip-name-resolve
performance_schema=OFF
innodb_log_file_size=8M
innodb_buffer_pool_size=32M
innodb_data_file_path=ibdata1:12M:autoextend
innodb_autoextend_increment=1
innodb_flush_log_at_trx_commit=1
ssl-cert=$folder/run/cert.pem
ssl-key=$folder/run/key.pem
END
cat >"$folder/start" <<END
#!/bin/sh
exec $as mariadbd --defaults-file=$folder/my.cnf ${MARIADB_ARGS:-} >>$folder/run/log 2>&1
END
chmod 755 "$folder/start"

server_pid() { cat "$pid_file" 2>/dev/null || true; }

# A process that has ended and that nobody has waited for does not run.
runs() {
	kill -0 "$1" 2>/dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

clean_up() {
	pid=$(server_pid)
	if [ -n "$pid" ]; then
		kill -KILL "$pid" 2>/dev/null || true
		while runs "$pid"; do sleep 0.02; done
	fi
	rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

owner=$(id -un)
# shellcheck disable=SC2086 # $as is several words
$as mariadb-install-db --no-defaults --datadir="$folder/data" --skip-test-db \
	--auth-root-authentication-method=socket --auth-root-socket-user="$owner" \
	--skip-name-resolve >"$folder/install.log" 2>&1 || {
	say "mariadb-install-db failed:"
	cat "$folder/install.log" >&2
	exit 1
}

"$folder/start" &
started=$!
tries=0
until grep -qs "ready for connections" "$folder/run/log"; do
	if [ $tries -ge 1500 ] || ! runs "$started"; then
		say "mariadbd did not start:"
		cat "$folder/run/log" >&2
		exit 1
	fi
	tries=$((tries + 1))
	sleep 0.02
done

export TEST_DB_SOCKET="$socket" TEST_DB_FOLDER="$folder" TEST_DB_PID="$pid_file"
export TEST_DB_START="$folder/start" TEST_DB_USER="$owner" TEST_DB_CA="$folder/run/cert.pem"
status=0
"$@" || status=$?
exit $status
