#!/bin/busybox sh
# PID 1 of the kernel that the tests boot. Its root is the host's, read-only; whatever the command
# changes goes into memory and is gone afterwards, except for what it puts into the folder OUT.
# OUT comes from the kernel's command line.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
busybox=/bin/busybox
root=/mnt/root

$busybox mount -t tmpfs -o size=80% tmpfs /mnt
$busybox mkdir /mnt/changes /mnt/work $root
$busybox mount -t overlay -o lowerdir=/,upperdir=/mnt/changes,workdir=/mnt/work overlay $root
$busybox mkdir -p $root/proc $root/sys $root/dev $root/run $root/tmp "$root$OUT"
$busybox mount -t hostfs -o "$OUT" none "$root$OUT"
$busybox mount -t proc proc $root/proc
$busybox mount -t sysfs sysfs $root/sys
$busybox mount -t debugfs debugfs $root/sys/kernel/debug
$busybox mount -t devtmpfs devtmpfs $root/dev
$busybox mkdir -p $root/dev/pts $root/dev/shm
$busybox mount -t devpts devpts $root/dev/pts
$busybox mount -t tmpfs tmpfs $root/dev/shm
$busybox mount -t tmpfs tmpfs $root/run
$busybox ln -sf /proc/self/fd $root/dev/fd
$busybox ifconfig lo 127.0.0.1 up

$busybox chroot $root /bin/sh "$OUT/command.sh" </dev/null
echo $? >"$root$OUT/exit_code"
$busybox poweroff -f
