//! Files that a command is asked to write: whether they can be is known before the
//! work, and what is there is replaced as a whole or not at all.

use crate::terminal::{ACCENT, DIM, bytes, note, styled};
use anyhow::{Context as _, bail};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Whether a file can be written, before what it will hold takes its time. Makes the
/// folders above it.
///
/// # Errors
/// Why not, with the option that named it.
pub(crate) fn check(option: &str, path: &Path) -> anyhow::Result<()> {
    if path.as_os_str().is_empty() {
        bail!("{option} names no file");
    }
    if path.is_dir() {
        bail!(
            "{option}: {} is a folder; name a file in it",
            path.display()
        );
    }
    let cannot = || format!("{option}: {} cannot be written", path.display());
    match fs::metadata(path) {
        // A pipe or a device: to open it may wait for whoever reads.
        Ok(found) if !found.is_file() => Ok(()),
        Ok(_) => OpenOptions::new()
            .write(true)
            .open(path)
            .map(drop)
            .with_context(cannot),
        Err(_) => {
            make_folder_of(path).with_context(cannot)?;
            let beside = beside(path);
            File::create(&beside).with_context(cannot)?;
            fs::remove_file(beside).with_context(cannot)
        }
    }
}

/// The same for a folder that files are to be written into.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_folder(option: &str, path: &Path) -> anyhow::Result<()> {
    if path.as_os_str().is_empty() {
        bail!("{option} names no folder");
    }
    check(option, &path.join("results"))
}

/// Writes a file, and says so where it has a label.
///
/// # Errors
/// What failed, with the path; what was there before is still there, but where its
/// folder takes no new file.
pub(crate) fn write(label: Option<&str>, path: &Path, text: &str) -> anyhow::Result<()> {
    make_folder_of(path)?;
    let cannot = || format!("cannot write {}", path.display());
    // Through a symbolic link, not over it.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let there = fs::metadata(&target).ok();
    // A pipe or a device is written to, and has no place beside it.
    let is_special = there.as_ref().is_some_and(|found| !found.is_file());
    let beside = beside(&target);
    match (!is_special).then(|| File::create(&beside)) {
        Some(Ok(file)) => {
            // Who may read it stays as it was.
            let kept = there.map_or(Ok(()), |found| file.set_permissions(found.permissions()));
            let written = kept
                .and_then(|()| fill(file, text))
                .and_then(|()| fs::rename(&beside, &target));
            if written.is_err() {
                let _gone = fs::remove_file(&beside);
            }
            written.with_context(cannot)?;
        }
        _ => fs::write(&target, text).with_context(cannot)?,
    }
    if let Some(label) = label {
        let size = bytes(u64::try_from(text.len()).unwrap_or(u64::MAX));
        note(format!(
            "{label} {} {}",
            styled(path.display(), ACCENT),
            styled(size, DIM)
        ));
    }
    Ok(())
}

fn fill(mut file: File, text: &str) -> std::io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.flush()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".part-{}", std::process::id()));
    path.with_file_name(name)
}

fn make_folder_of(path: &Path) -> anyhow::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(())
}
