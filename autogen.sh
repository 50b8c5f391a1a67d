#!/bin/sh
# Makes ./configure; with a word, everything else too, on Debian 12:
#
#   ./autogen.sh          autoreconf, nothing else
#   ./autogen.sh run      packages, configure and make in build/, then `make run`
#   ./autogen.sh check    packages, configure and make in build/, then `make check`
#
# Packages that are there already are left alone; others are installed as root, or by
# sudo. Installing nginx starts no server: the service has one of its own.
set -eu
cd "$(dirname "$0")"

# To build and to run.
run_packages="
	autoconf automake pkgconf make gcc libc6-dev
	libfcgi-dev libyajl-dev libmariadb-dev libcurl4-openssl-dev libssl-dev libglib2.0-dev
	libcmocka-dev
	mariadb-server-core mariadb-client-core nginx openssl curl ca-certificates tzdata
	python3 python3-aiohttp python3-pymysql"

# To test, beside those.
check_packages="
	python3-pytest python3-cryptography python3-selenium chromium chromium-driver nodejs
	clang libclang-rt-14-dev shellcheck libnghttp2-dev systemd sudo"

policy=/usr/sbin/policy-rc.d
list_age_days=1

say()
{
	printf 'autogen.sh: %s\n' "$*" >&2
}

fail()
{
	say "error: $*"
	exit 1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo > /dev/null; then
		sudo "$@"
	else
		fail "not root, and no sudo here; run as root: $*"
	fi
}

apt()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@"
}

is_installed()
{
	status=$(dpkg-query -W -f='${db:Status-Status}' "$1" 2> /dev/null) || return 1
	[ "$status" = installed ]
}

# Prints those of the packages that are not installed.
missing()
{
	for package; do
		is_installed "$package" || printf '%s ' "$package"
	done
}

has_fresh_lists()
{
	[ -n "$(find /var/lib/apt/lists -name '*_Packages*' -mtime "-$list_age_days" 2> /dev/null |
		head -n 1)" ]
}

# Keeps the packages being installed from starting daemons, unless the system has a
# policy of its own. drop_policy undoes it, whatever happens in between.
policy_is_ours=no
put_policy()
{
	[ ! -e "$policy" ] || return 0
	policy_is_ours=yes
	# shellcheck disable=SC2016 # expanded by the shell that writes the file
	as_root sh -c 'printf "#!/bin/sh\nexit 101\n" > "$1" && chmod 755 "$1"' sh "$policy"
}

drop_policy()
{
	[ "$policy_is_ours" = no ] || as_root rm -f "$policy"
	policy_is_ours=no
}

install_packages()
{
	# shellcheck disable=SC2046 # a list of words
	set -- $(missing "$@")
	[ $# -gt 0 ] || return 0
	say "installing: $*"
	has_fresh_lists || apt update
	trap drop_policy EXIT
	trap 'exit 130' INT
	trap 'exit 143' HUP TERM
	fresh_nginx=no
	for package; do
		[ "$package" != nginx ] || fresh_nginx=yes
	done
	put_policy
	apt install --yes --no-install-recommends "$@" || {
		say "that failed; trying once more with new package lists"
		apt update
		apt install --yes --no-install-recommends "$@"
	}
	drop_policy
	trap - EXIT INT HUP TERM
	# Nor shall it start with the machine: it was installed for our private one.
	if [ "$fresh_nginx" = yes ] && command -v systemctl > /dev/null; then
		as_root systemctl --quiet disable nginx.service || :
	fi
}

set_up()
{
	if command -v dpkg-query > /dev/null && command -v apt-get > /dev/null; then
		install_packages "$@"
	else
		say "no Debian packages here; going on with what is installed"
	fi
	# make notices by itself when these have to be made anew
	if [ ! -f configure ] || [ ! -f Makefile.in ]; then
		autoreconf -fi
	fi
	mkdir -p build
	if [ ! -f build/Makefile ]; then
		(cd build && ../configure)
	fi
	make -C build -j"$(nproc)"
}

case ${1-} in
'')
	exec autoreconf -fi
	;;
run)
	# shellcheck disable=SC2086 # lists of words
	set_up $run_packages
	exec make -C build --no-print-directory run
	;;
check)
	# shellcheck disable=SC2086 # lists of words
	set_up $run_packages $check_packages
	exec make -C build --no-print-directory check
	;;
*)
	fail "unknown word '$1': none, run or check"
	;;
esac
