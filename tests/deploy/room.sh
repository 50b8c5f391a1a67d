#!/bin/sh
# room.sh: a machine of its own, for root. It begins with this machine's files; what is
# changed is in memory and gone with the room. Its network is a loopback and nothing else,
# its first process is systemd, and no service of this machine is started in it.
#
# Prints "ready PID", the number that nsenter wants, and stays until its standard input ends.
set -eu

inside()
{
	read -r pid rest < /proc/self/stat
	mount -t tmpfs -o mode=755 room /mnt
	mkdir /mnt/changed /mnt/work /mnt/root
	mount -t overlay -o lowerdir=/,upperdir=/mnt/changed,workdir=/mnt/work room /mnt/root
	cd /mnt/root
	mount -t proc proc proc
	mount --bind proc/sys proc/sys
	mount -o remount,ro,bind proc/sys
	mount --rbind /dev dev
	mount -t sysfs -o ro sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	for folder in tmp run var/tmp; do
		mount -t tmpfs -o mode=1777 tmpfs "$folder"
	done
	chmod 755 run
	rm -rf etc/systemd/system/*.wants usr/lib/systemd/system/*.wants
	pivot_root . mnt
	umount -l /mnt
	echo "ready $pid"
	exec env -i container=room PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
		--system --unit=basic.target --log-target=journal --show-status=no
}

if [ "${1-}" = inside ]; then
	inside
fi

# What systemd makes of control groups is below one that can be removed again.
groups=$(findmnt --noheadings --first-only --output TARGET --types cgroup2)/calbridge-room-$$
mkdir "$groups"
leave()
{
	[ -z "${room-}" ] || kill -KILL "$room"
	# A group can be removed when the last of its processes is quite gone.
	while [ -d "$groups" ]; do
		find "$groups" -depth -type d -exec rmdir {} + 2> /dev/null || sleep 0.1
	done
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

# shellcheck disable=SC2016 # expanded inside
unshare --mount --pid --net --ipc --uts --fork --kill-child=KILL \
	sh -c 'echo 0 > "$1/cgroup.procs" && exec unshare --cgroup sh "$2" inside' \
	sh "$groups" "$0" < /dev/null &
room=$!
cat > /dev/null
