#!/bin/busybox sh
# PID 1 of the machine with the emulated sound card. All that the command needs is in memory, as the
# root; the folder OUT, whose name comes from the kernel's command line, is the host's.
export PATH=/usr/bin:/bin
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /root "$OUT"
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir /dev/shm
mount -t tmpfs tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
ifconfig lo 127.0.0.1 up
for module in $(cat /modules/order); do insmod "/modules/$module"; done

sh /attach_out.sh
sh "$OUT/command.sh" </dev/null
code=$?
grep -q " $OUT " /proc/mounts || sh /attach_out.sh
echo "$code" >"$OUT/exit_code"
poweroff -f
