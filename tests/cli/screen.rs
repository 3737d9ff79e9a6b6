//! What stands on a terminal after a program has written to it: as much of one as the overview needs.

use unicode_width::UnicodeWidthStr;

/// A screen of one size.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    cells: Vec<Vec<String>>,
    column: usize,
    row: usize,
    /// The program has a screen of its own.
    pub(crate) alternate: bool,
    /// The cursor is not shown.
    pub(crate) hidden: bool,
    /// Colors were asked for.
    pub(crate) colored: bool,
}

impl Screen {
    /// The screen after all of this.
    pub(crate) fn after(written: &[u8], columns: u16, rows: u16) -> Self {
        let cells = vec![vec![" ".to_owned(); usize::from(columns)]; usize::from(rows)];
        let mut screen = Self { cells, column: 0, row: 0, alternate: false, hidden: false, colored: false };
        let text = String::from_utf8_lossy(written);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\x1b' if chars.next_if_eq(&'[').is_some() => {
                    let mut parameters = String::new();
                    let last = loop {
                        match chars.next() {
                            Some(c @ '@'..='~') => break c,
                            Some(c) => parameters.push(c),
                            // It is still being written.
                            None => return screen,
                        }
                    };
                    screen.controlled(&parameters, last);
                }
                '\r' => screen.column = 0,
                '\n' => screen.row += 1,
                c => screen.put(c),
            }
        }
        screen
    }

    fn controlled(&mut self, parameters: &str, last: char) {
        let number = |at: usize, usual: usize| {
            parameters.split(';').nth(at).and_then(|number| number.parse::<usize>().ok()).unwrap_or(usual)
        };
        let width = self.cells.first().map_or(0, Vec::len);
        match (parameters, last) {
            ("?1049", _) => {
                self.alternate = last == 'h';
                self.clear(0, usize::MAX);
            }
            ("?25", _) => self.hidden = last == 'l',
            (_, 'H') => (self.row, self.column) = (number(0, 1).max(1) - 1, number(1, 1).max(1) - 1),
            ("" | "0", 'J') => self.clear(self.row * width + self.column, usize::MAX),
            (_, 'J') => self.clear(0, usize::MAX),
            ("" | "0", 'K') => self.clear(self.row * width + self.column, (self.row + 1) * width),
            ("2", 'K') => self.clear(self.row * width, (self.row + 1) * width),
            (_, 'm') => {
                self.colored |=
                    parameters.split(';').any(|part| part.len() == 2 && part.starts_with('3') && part != "39")
            }
            _ => {}
        }
    }

    fn clear(&mut self, from: usize, to: usize) {
        let width = self.cells.first().map_or(0, Vec::len);
        for (row, cells) in self.cells.iter_mut().enumerate() {
            for (column, cell) in cells.iter_mut().enumerate() {
                if (from..to).contains(&(row * width + column)) {
                    " ".clone_into(cell);
                }
            }
        }
    }

    fn put(&mut self, c: char) {
        assert!(!c.is_control(), "{c:?} reached the terminal");
        let text = c.to_string();
        let wide = text.width();
        let column = if wide == 0 { self.column.saturating_sub(1) } else { self.column };
        if let Some(cell) = self.cells.get_mut(self.row).and_then(|row| row.get_mut(column)) {
            if wide > 0 {
                cell.clear();
            }
            cell.push(c);
        }
        self.column += wide;
        if wide == 2
            && let Some(covered) = self.cells.get_mut(self.row).and_then(|row| row.get_mut(column + 1))
        {
            covered.clear();
        }
    }

    /// The rows, without blanks at their ends.
    pub(crate) fn rows(&self) -> Vec<String> {
        self.cells.iter().map(|row| row.concat().trim_end().to_owned()).collect()
    }
}
