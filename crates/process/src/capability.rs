//! Capabilities by name and by number.

/// In the order of their numbers, as capabilities(7) names them without `CAP_`.
#[rustfmt::skip]
const NAMES: [&str; 41] = [
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
    "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
    "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
    "checkpoint_restore",
];

/// The number of a capability: `net_bind_service`, `CAP_NET_BIND_SERVICE`. `None` for a name that Linux does not have.
#[must_use]
pub fn capability_number(name: &str) -> Option<u8> {
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_prefix("cap_").unwrap_or(&lower);
    NAMES.iter().position(|known| *known == bare).and_then(|number| u8::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_the_numbers_of_the_kernel() {
        let rows =
            [("chown", 0), ("CAP_NET_BIND_SERVICE", 10), ("sys_admin", 21), ("checkpoint_restore", 40)];
        for (name, number) in rows {
            assert_eq!(capability_number(name), Some(number), "{name}");
        }
        assert_eq!(capability_number("net_bind"), None);
    }
}
