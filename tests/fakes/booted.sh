#!/bin/sh
# From a test to a systemd that is PID 1, in three steps, each of which becomes the next. Called by booted.py, which says in the
# environment: OWN and PRIVATE (cgroup folders, one a hierarchy, in the same order), CONTROLLERS (of version 1), FOLDER, CONSOLE, BINDS.
set -eu

enter() { for cgroup in $1; do echo 0 >"$cgroup/cgroup.procs"; done; }

# What is in the cgroup when the namespace is made becomes its root ...
prepare() {
    enter "$PRIVATE"
    exec unshare --cgroup "$0" divide
}

# ... but the unshare that waits outside must not be among the processes that systemd sorts.
divide() {
    enter "$OWN"
    exec unshare --pid --fork --kill-child=KILL --mount --uts --ipc "$0" boot
}

fresh() { mount -t tmpfs -o "mode=$1,nosuid,nodev" fresh "$2"; }
shown() { mount --bind "$1" "$2" && mount -o remount,bind,ro,nosuid,nodev,noexec "$2"; }

# The machine's files with everything written to memory; /run, /tmp and /dev empty.
lay_out_files() {
    mount --make-rprivate /
    fresh 755 "$FOLDER/layers"
    mkdir "$FOLDER/layers/upper" "$FOLDER/layers/work"
    mount -t overlay -o "lowerdir=/,upperdir=$FOLDER/layers/upper,workdir=$FOLDER/layers/work" root "$root"
    fresh 755 "$root/run"
    fresh 1777 "$root/tmp"
    fresh 1777 "$root/var/tmp"
}

lay_out_devices() {
    mount -t tmpfs -o mode=755,nosuid devices "$root/dev"
    for name in null zero full random urandom tty console; do
        : >"$root/dev/$name"
        source=/dev/$name
        [ "$name" != console ] || source=$CONSOLE
        mount --bind "$source" "$root/dev/$name"
    done
    mkdir "$root/dev/shm" "$root/dev/pts"
    fresh 1777 "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 terminals "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
}

# What belongs to the whole machine is only shown.
lay_out_kernel() {
    mount -t proc -o nosuid,nodev,noexec processes "$root/proc"
    for name in sys sysrq-trigger irq bus; do
        [ ! -e "$root/proc/$name" ] || shown "$root/proc/$name" "$root/proc/$name"
    done
    shown /sys "$root/sys"
}

# Inside of the cgroup namespace these mounts show the private folders alone.
lay_out_cgroups() {
    cgroups=$root/sys/fs/cgroup
    options=nosuid,nodev,noexec
    if [ -z "$CONTROLLERS" ]; then
        mount -t cgroup2 -o "$options" cgroup2 "$cgroups"
        return
    fi
    fresh 755 "$cgroups"
    for name in $CONTROLLERS; do
        mkdir "$cgroups/$name"
        mount -t cgroup -o "$options,$name" cgroup "$cgroups/$name"
    done
    mkdir "$cgroups/systemd" "$cgroups/unified"
    mount -t cgroup -o "$options,none,name=systemd" cgroup "$cgroups/systemd"
    mount -t cgroup2 -o "$options" cgroup2 "$cgroups/unified"
}

# A line of BINDS is a folder outside, a tab, its place inside.
lay_out_binds() {
    printf '%s\n' "$BINDS" | while IFS='	' read -r source target; do
        [ -n "$source" ] || continue
        mkdir -p "$root$target"
        mount --bind "$source" "$root$target"
    done
}

lay_out_units() {
    mkdir -p "$root/run/units" "$root/run/lock"
    cp -R "$FOLDER/units/." "$root/run/units/"
    fresh 755 "$root/usr/lib/systemd/system-generators"
    rm -f "$root/etc/machine-id"
    echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
}

boot() {
    enter "$PRIVATE"
    root=$FOLDER/root
    lay_out_files
    lay_out_devices
    lay_out_kernel
    lay_out_cgroups
    lay_out_binds
    lay_out_units
    mkdir "$root/run/before"
    cd "$root"
    pivot_root . run/before
    cd /
    umount -l /run/before
    mount --make-rshared / # as on metal: services' own binds arrive by propagation
    exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb SYSTEMD_UNIT_PATH=/run/units: \
        setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-sys_boot \
        /lib/systemd/systemd --system --unit=booted.target --log-target=console --log-level=info --log-color=no \
        --show-status=no </dev/null >/dev/console 2>&1
}

"$1"
