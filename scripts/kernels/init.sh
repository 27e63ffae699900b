#!/bin/sh
# The first process of a guest: makes the host's tree the root, read-only with a layer over it that is forgotten, mounts
# control groups as procward.mode says (v2, v1 or hybrid), runs /job there, and switches the machine off.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

argument() { tr ' ' '\n' < /proc/cmdline | sed -n "s/^procward\.$1=//p"; }

give_up() {
  echo "init: $*"
  poweroff -f
}

while read -r module; do insmod "/modules/$module.ko" 2> /dev/null; done < /modules/order

case $(argument root) in
  virtiofs) mount -t virtiofs -o ro host /host ;;
  hostfs) mount -t hostfs -o ro none /host ;;
esac || give_up 'the tree of the host cannot be mounted'
mount -t tmpfs layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /root 2> /dev/null
# Over the hostfs of Linux 5.10 an overlay runs nothing: there only what is mounted below can be written.
chroot /root /bin/true 2> /dev/null || { umount /root 2> /dev/null; mount --bind /host /root; }

mount --bind /root /whole
for directory in tmp run; do mount -t tmpfs -o mode=1777 "$directory" "/root/$directory"; done
# A checkout that lies there stays visible.
checkout=$(argument checkout)
[ -e "/root$checkout/package.json" ] || { mkdir -p "/root$checkout" && mount --bind "/whole$checkout" "/root$checkout"; }
mount -t proc proc /root/proc
mount -t sysfs sysfs /root/sys || give_up 'the tree of the host cannot be mounted on'
mount --move /dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts -o ptmxmode=666 devpts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
[ -e /root/dev/fd ] || ln -s /proc/self/fd /root/dev/fd
ip link set lo up

groups=/root/sys/fs/cgroup
mount_unified() {
  mount -t cgroup2 cgroup2 "$1"
  # One by one: what version 1 has taken is refused.
  for controller in $(cat "$1/cgroup.controllers"); do echo "+$controller" > "$1/cgroup.subtree_control"; done
}
# Not all that /proc/cgroups lists has a version 1: that the mount tells.
mount_legacy() {
  mount -t tmpfs cgroup $groups
  awk 'NR > 1 && $4 == 1 { print $1 }' /proc/cgroups | while read -r controller; do
    mkdir "$groups/$controller"
    mount -t cgroup -o "$controller" cgroup "$groups/$controller" 2> /dev/null || rmdir "$groups/$controller"
  done
  mkdir $groups/systemd
  mount -t cgroup -o none,name=systemd cgroup $groups/systemd
}
case $(argument mode) in
  v2) mount_unified $groups ;;
  v1) mount_legacy ;;
  hybrid)
    mount_legacy
    mkdir $groups/unified
    mount_unified $groups/unified
    ;;
esac

cp /job /bin/busybox /root/run/
# switch_root and not chroot, in which user namespaces are refused. This shell stays the first process and reaps what
# others leave behind.
exec switch_root /root /bin/sh -c '/bin/sh /run/job; /run/busybox poweroff -f'
