//! `/proc/<pid>/cgroup`: one hierarchy a line.
//!
//! References: cgroups(7).

use kernel::Result;

use super::number::decimal;

/// The group of a process in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The id of the hierarchy; 0 is version 2.
    pub hierarchy: u32,
    /// The version 1 controllers of the hierarchy; empty for version 2 and for named hierarchies.
    pub controllers: Vec<String>,
    /// The name of a version 1 hierarchy mounted with `name=`.
    pub name: Option<String>,
    /// The path below the root of the hierarchy, as the cgroup namespace of the reader shows it. The group of a
    /// process that has ended may have been removed: then ` (deleted)` follows.
    pub path: Vec<u8>,
}

/// Reads a cgroup file.
///
/// # Errors
/// [`Kind::Os`](kernel::Kind::Os) naming the first line that no kernel would write.
pub fn cgroup(text: &[u8]) -> Result<Vec<Membership>> {
    super::lines(text)
        .map(|(number, line)| membership(line).map_err(|what| super::malformed("cgroup", number, what)))
        .collect()
}

fn membership(line: &[u8]) -> std::result::Result<Membership, &'static str> {
    // The path may contain colons, the other two fields cannot.
    let mut fields = line.splitn(3, |byte| *byte == b':');
    let mut next = || fields.next().ok_or("fewer than three fields");
    let hierarchy = decimal(next()?).ok_or("the hierarchy is no number")?;
    let list = std::str::from_utf8(next()?).map_err(|_| "the controllers are not text")?;
    let path = next()?.to_vec();
    let mut controllers = Vec::new();
    let mut name = None;
    for controller in list.split(',').filter(|controller| !controller.is_empty()) {
        match controller.strip_prefix("name=") {
            Some(given) => name = Some(given.to_owned()),
            None => controllers.push(controller.to_owned()),
        }
    }
    Ok(Membership { hierarchy, controllers, name, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_and_named_hierarchies_are_read() {
        let text = b"12:cpu,cpuacct:/a:b\n1:name=systemd:/user.slice\n0::/init.scope (deleted)\n";
        let found = cgroup(text).unwrap();
        assert_eq!(found[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(found[0].path, b"/a:b");
        assert_eq!((found[1].name.as_deref(), found[1].controllers.len()), (Some("systemd"), 0));
        assert_eq!((found[2].hierarchy, found[2].name.as_deref()), (0, None));
        assert_eq!(found[2].path, b"/init.scope (deleted)");
    }

    #[test]
    fn an_empty_file_has_no_hierarchies_and_nonsense_is_refused() {
        assert!(cgroup(b"").unwrap().is_empty());
        for nonsense in [b"0:".as_slice(), b"x::/", b"\n\n", b"0:\xff:/"] {
            assert!(cgroup(nonsense).is_err(), "{nonsense:?}");
        }
    }
}
