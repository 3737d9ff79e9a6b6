//! Tables that plots are drawn from: comma-separated, one row a line, with a head.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Options;

/// One table; it is written with [`Sheet::write`], if anybody wants it.
pub(crate) struct Sheet {
    file: Option<PathBuf>,
    text: String,
}

impl Sheet {
    /// A table of this name with these columns.
    pub(crate) fn new(options: &Options, name: &str, columns: &[&str]) -> Self {
        let file = options.own("--sheets").map(|folder| Path::new(folder).join(format!("{name}.csv")));
        Self { file, text: columns.join(",") + "\n" }
    }

    /// Adds a row. Columns hold no comma.
    pub(crate) fn row(&mut self, columns: &[String]) {
        self.text += &(columns.join(",") + "\n");
    }

    /// Writes the file, in place of an earlier one.
    pub(crate) fn write(self) -> io::Result<()> {
        let Some(file) = self.file else { return Ok(()) };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, self.text)
    }
}
