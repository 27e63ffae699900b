//! Reading a link without opening it: one system call instead of three, where nothing can be in the way.
//!
//! readlinkat(2) alone trusts every component but the last. That is sound where a root has no mounts on it and can
//! get none, and where no component before the last can be a magic link, which only names of directories are.

use kernel::Result;
use rustix::fs::readlinkat;

use crate::base::Base;
use crate::handle::Procfs;
use crate::subpath::Subpath;

impl Procfs {
    /// The target; `None` when the path has to be walked with care, or when there is anything to explain.
    pub(crate) fn readlink_at_once(&self, base: Base, path: &[u8]) -> Result<Option<Vec<u8>>> {
        if !self.info.origin.is_free_of_overmounts() {
            return Ok(None);
        }
        let path = Subpath::new(base, path)?;
        if path.must_be_directory || !leads_through_directories(&path) {
            return Ok(None);
        }
        // An error is told by the other way, which knows what it means.
        let target = readlinkat(&self.root.fd, path.as_bytes(), Vec::new()).ok();
        Ok(target.map(std::ffi::CString::into_bytes))
    }
}

/// True for `self/exe`, `7/fd/3`, `self/task/8/ns/net` and the like: the components between the process and the last
/// are directories in every procfs.
fn leads_through_directories(path: &Subpath) -> bool {
    let components: Vec<&[u8]> = path.components().collect();
    let Some((process, below)) = components.split_first() else { return false };
    let is_number = |name: &[u8]| !name.is_empty() && name.iter().all(u8::is_ascii_digit);
    let below = match below {
        [b"task", thread, rest @ ..] if is_number(thread) => rest,
        all => all,
    };
    let starts_well = matches!(*process, b"self" | b"thread-self") || is_number(process);
    starts_well && matches!(below, [_] | [b"fd" | b"ns" | b"map_files", _])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_through_directories_are_read_at_once() {
        let rows: [(&[u8], bool); 12] = [
            (b"self/exe", true),
            (b"thread-self/cwd", true),
            (b"7/fd/3", true),
            (b"self/task/8/ns/net", true),
            (b"self/task/8/exe", true),
            (b"self/map_files/0-1", true),
            (b"self", false),
            (b"self/root/etc", false),
            (b"self/cwd/x", false),
            (b"self/fd/3/x", false),
            (b"self/task/self/exe", false),
            (b"mounts", false),
        ];
        for (path, expected) in rows {
            let path = Subpath::below(path).unwrap();
            assert_eq!(leads_through_directories(&path), expected, "{path:?}");
        }
    }
}
