//! How much memory this process uses.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

/// Bytes of memory in use (resident, `proc_pid_statm(5)`). The file stays open, so that asking costs one system call.
pub fn resident_bytes() -> Option<u64> {
    static STATM: OnceLock<Option<File>> = OnceLock::new();
    let file = STATM.get_or_init(|| File::open("/proc/self/statm").ok()).as_ref()?;
    let mut text = [0; 128];
    let read = file.read_at(&mut text, 0).ok()?;
    let pages: u64 = std::str::from_utf8(&text[..read]).ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * page_size())
}

fn page_size() -> u64 {
    // SAFETY: sysconf takes and gives integers only.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.try_into().unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_used_is_counted() {
        let before = resident_bytes().expect("Linux tells");
        let used = std::hint::black_box(vec![1_u8; 32 << 20]);
        let after = resident_bytes().expect("Linux tells");
        assert!(after >= before + (16 << 20), "{before} bytes before, {after} with {} more", used.len());
    }
}
