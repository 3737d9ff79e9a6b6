//! Compresses the files of the page into the program (docs/adr/0018-the-page-is-embedded-compressed.md). They are
//! served as they are written: nothing translates or joins them.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

const PAGE: &str = "src/web/page";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PAGE}");
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_NODE").is_none() {
        return Ok(());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let mut files = Vec::new();
    walk(Path::new(PAGE), &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        let name = file.strip_prefix(PAGE)?.to_str().ok_or("a name that is not UTF-8")?.replace('\\', "/");
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&fs::read(file)?)?;
        let to = out.join(format!("{number}.gz"));
        fs::write(&to, packed.finish()?)?;
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", to.display().to_string())?;
    }
    table.push_str("]\n");
    fs::write(out.join("page.rs"), table)?;
    Ok(())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('.'));
        if path.is_dir() {
            walk(&path, files)?;
        } else if !hidden {
            files.push(path);
        }
    }
    Ok(())
}
