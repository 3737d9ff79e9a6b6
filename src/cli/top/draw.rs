//! Puts lines on the cells of a screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::text::{Ink, Line};

/// Draws the lines from the top; what does not fit is left out.
pub(super) fn draw(lines: &[Line], color: bool, buffer: &mut Buffer) {
    let area = *buffer.area();
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        let mut x = area.left();
        for (ink, text) in line.parts() {
            let room = area.right().saturating_sub(x);
            if room == 0 {
                break;
            }
            let mut style = style(ink, color);
            if line.chosen {
                style = style.add_modifier(Modifier::REVERSED);
            }
            (x, _) = buffer.set_stringn(x, y, text, usize::from(room), style);
        }
    }
}

/// The size of a screen within reason: a terminal may say anything.
pub(super) fn area(columns: u16, rows: u16) -> Rect {
    let usual = |size, usual| if size == 0 { usual } else { size };
    Rect::new(0, 0, usual(columns, 80).min(1_000), usual(rows, 24).min(400))
}

/// Where there are no colors, words tell the same.
fn style(ink: Ink, color: bool) -> Style {
    let colored = |of| if color { Style::new().fg(of) } else { Style::new() };
    match ink {
        Ink::Plain => Style::new(),
        Ink::Strong => Style::new().add_modifier(Modifier::BOLD),
        Ink::Faint => Style::new().add_modifier(Modifier::DIM),
        Ink::Good => colored(Color::Green),
        Ink::Warn => colored(Color::Yellow),
        Ink::Alarm => colored(Color::Red).add_modifier(Modifier::BOLD),
        Ink::Chosen => Style::new().add_modifier(Modifier::REVERSED),
    }
}
