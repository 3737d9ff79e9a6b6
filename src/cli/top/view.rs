//! What the user chose to see, and what keys do.

use super::people::{self, Sort};
use super::seen::Seen;

/// Longest filter, characters.
const LONGEST: usize = 60;

/// A part of the overview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pane {
    People,
    Network,
    Traffic,
    Doctor,
}

impl Pane {
    pub(super) const ALL: [Self; 4] = [Self::People, Self::Network, Self::Traffic, Self::Doctor];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::People => "People",
            Self::Network => "Network",
            Self::Traffic => "Traffic",
            Self::Doctor => "Doctor",
        }
    }

    fn at(self) -> usize {
        Self::ALL.iter().position(|pane| *pane == self).unwrap_or_default()
    }
}

/// A key that means something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Press {
    Letter(char),
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Tab,
    BackTab,
    Enter,
    Escape,
    Backspace,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
    /// Ctrl-L.
    Redraw,
}

/// What is to be done besides showing another picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Quit,
    Suspend,
    Redraw,
    Doctor,
}

/// What is shown of all that is known.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) pane: Pane,
    pub(super) help: bool,
    pub(super) sort: Sort,
    pub(super) reversed: bool,
    /// Those who are away or blocked as well.
    pub(super) all: bool,
    pub(super) filter: String,
    /// The filter is being typed.
    pub(super) typing: bool,
    /// Who is shown, in order: places in the list of all.
    pub(super) order: Vec<usize>,
    /// Who was chosen, by what names it; none for the first.
    chosen: Option<String>,
    /// The first row that is shown, of each pane and of the help.
    pub(super) first: [usize; 5],
    /// Rows that were shown last.
    pub(super) page: usize,
}

impl Default for View {
    fn default() -> Self {
        Self {
            pane: Pane::People,
            help: false,
            sort: Sort::Presence,
            reversed: false,
            all: true,
            filter: String::new(),
            typing: false,
            order: Vec::new(),
            chosen: None,
            first: [0; 5],
            page: 1,
        }
    }
}

impl View {
    /// Puts the rows in order again, after something is known or chosen anew.
    pub(super) fn arrange(&mut self, seen: &Seen) {
        self.order = people::order(seen, self.sort, self.reversed, self.all, &self.filter);
    }

    /// Which of the rows is chosen.
    pub(super) fn chosen(&self, seen: &Seen) -> usize {
        let Some(chosen) = &self.chosen else { return 0 };
        let is = |at: &usize| seen.peers.get(*at).is_some_and(|peer| peer.who == *chosen);
        self.order.iter().position(is).unwrap_or_default()
    }

    /// Where the shown part of the pane begins.
    pub(super) fn first(&mut self) -> &mut usize {
        let at = if self.help { Pane::ALL.len() } else { self.pane.at() };
        &mut self.first[at]
    }

    pub(super) fn press(&mut self, press: Press, seen: &Seen) -> Wish {
        if press == Press::Interrupt {
            return Wish::Quit;
        }
        if self.typing {
            self.type_filter(press, seen);
            return Wish::Nothing;
        }
        match press {
            Press::Letter('q') => return Wish::Quit,
            Press::Escape if self.help => self.help = false,
            Press::Escape => return Wish::Quit,
            Press::Suspend => return Wish::Suspend,
            Press::Redraw => return Wish::Redraw,
            Press::Letter('d') => {
                self.show(Pane::Doctor);
                return Wish::Doctor;
            }
            Press::Letter('?') => self.help = !self.help,
            Press::Letter(digit @ '1'..='4') => self.show(Pane::ALL[digit as usize - '1' as usize]),
            Press::Tab => self.show(Pane::ALL[(self.pane.at() + 1) % 4]),
            Press::BackTab => self.show(Pane::ALL[(self.pane.at() + 3) % 4]),
            Press::Letter('/') => {
                self.show(Pane::People);
                self.typing = true;
            }
            Press::Letter('n') => self.sort(Sort::Name, seen),
            Press::Letter('p') => self.sort(Sort::Presence, seen),
            Press::Letter('r') => self.sort(Sort::RoundTrip, seen),
            Press::Letter('h') => self.sort(Sort::Heard, seen),
            Press::Letter('u') => self.sort(Sort::Unread, seen),
            Press::Letter('a') => {
                self.all = !self.all;
                self.arrange(seen);
            }
            Press::Up | Press::Letter('k') => self.go(seen, |at, _| at.saturating_sub(1)),
            Press::Down | Press::Letter('j') => self.go(seen, |at, _| at.saturating_add(1)),
            Press::PageUp => self.go(seen, |at, page| at.saturating_sub(page)),
            Press::PageDown => self.go(seen, |at, page| at.saturating_add(page)),
            Press::Home => self.go(seen, |_, _| 0),
            Press::End => self.go(seen, |_, _| usize::MAX),
            Press::Letter(_) | Press::Enter | Press::Backspace | Press::Interrupt => {}
        }
        Wish::Nothing
    }

    fn type_filter(&mut self, press: Press, seen: &Seen) {
        match press {
            Press::Letter(letter) if !letter.is_control() && self.filter.chars().count() < LONGEST => {
                self.filter.push(letter)
            }
            Press::Backspace => {
                self.filter.pop();
            }
            Press::Enter => self.typing = false,
            Press::Escape => {
                self.typing = false;
                self.filter.clear();
            }
            Press::Up => return self.go(seen, |at, _| at.saturating_sub(1)),
            Press::Down => return self.go(seen, |at, _| at.saturating_add(1)),
            Press::Letter(_)
            | Press::PageUp
            | Press::PageDown
            | Press::Home
            | Press::End
            | Press::Tab
            | Press::BackTab
            | Press::Interrupt
            | Press::Suspend
            | Press::Redraw => return,
        }
        self.arrange(seen);
    }

    fn show(&mut self, pane: Pane) {
        self.pane = pane;
        self.help = false;
    }

    /// By this; by the same once more, the other way round.
    fn sort(&mut self, sort: Sort, seen: &Seen) {
        self.reversed = self.sort == sort && !self.reversed;
        self.sort = sort;
        self.show(Pane::People);
        self.arrange(seen);
    }

    /// Goes up and down: from one to another in the list, by lines elsewhere.
    fn go(&mut self, seen: &Seen, to: impl Fn(usize, usize) -> usize) {
        let page = self.page.max(1);
        if self.pane != Pane::People || self.help {
            let first = self.first();
            *first = to(*first, page);
            return;
        }
        let last = self.order.len().saturating_sub(1);
        let at = to(self.chosen(seen), page).min(last);
        self.chosen = self.order.get(at).and_then(|at| seen.peers.get(*at)).map(|peer| peer.who.clone());
    }
}
