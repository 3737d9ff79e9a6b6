//! Which list, and which item of it, somebody means.

use crate::web::{ItemObject, ListObject, WholeListObject};
use crate::wire::Safe;

use super::super::super::render;
use super::super::shown;
use super::super::trouble::Trouble;

/// Most columns of a text in a sentence.
const TEXT: usize = 40;

/// The list that is meant: by its id, by its name with digits of its id, or by its name. A name that several have means the
/// only one of them that we take part in.
pub(super) fn list(lists: &[ListObject], typed: &str) -> Result<ListObject, Trouble> {
    let lists: Vec<&ListObject> = lists.iter().filter(|list| list.standing != "left").collect();
    let alike = |list: &&&ListObject, name: &str| list.name.to_lowercase() == name.to_lowercase();
    let mut found: Vec<&ListObject> = lists.iter().filter(|list| list.id == typed).copied().collect();
    if found.is_empty() {
        found = lists.iter().filter(|list| alike(list, typed)).copied().collect();
        let joined: Vec<&ListObject> = found.iter().filter(|list| list.standing == "joined").copied().collect();
        if joined.len() == 1 {
            found = joined;
        }
    }
    if let Some((name, digits)) = typed.rsplit_once('#').filter(|(_, digits)| found.is_empty() && !digits.is_empty()) {
        let is = |list: &&&ListObject| list.id.starts_with(&digits.to_ascii_lowercase());
        found = lists.iter().filter(|list| (name.is_empty() || alike(list, name)) && is(list)).copied().collect();
    }
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let others = lists.iter().map(|list| list.name.clone()).collect::<Vec<_>>();
            let known = if others.is_empty() {
                "you have none".to_owned()
            } else {
                format!("there are: {}", render::some(others.into_iter()))
            };
            Err(Trouble::nobody(format!("there is no list {}; {known}", shown(typed))))
        }
        several => {
            let names = several.iter().map(|list| format!("{}#{}", list.name, list.id.get(..8).unwrap_or_default()));
            let names = render::some(names.collect::<Vec<_>>().into_iter());
            Err(Trouble::ambiguous(format!("more than one list is called {}: {names}", shown(typed))))
        }
    }
}

/// The item that is meant: by its place from 1, its id, or its text.
pub(super) fn item<'a>(list: &'a WholeListObject, typed: &str) -> Result<&'a ItemObject, Trouble> {
    let name = &list.list.name;
    if let Some(item) = list.items.iter().find(|item| item.id == typed) {
        return Ok(item);
    }
    let place = typed.parse::<usize>().ok();
    if let Some(item) = list.items.iter().find(|item| Some(item.place) == place) {
        return Ok(item);
    }
    let found: Vec<&ItemObject> = list.items.iter().filter(|item| item.text == typed).collect();
    match (found.as_slice(), place) {
        ([one], _) => Ok(one),
        ([], Some(_)) => {
            Err(Trouble::nobody(format!("there is no place {typed} in {name}: it has {} items", list.items.len())))
        }
        ([], None) => Err(Trouble::nobody(format!("there is no item {} in {name}", Safe::fitted(typed, TEXT)))),
        (several, _) => {
            let places = several.iter().map(|item| item.place.to_string()).collect::<Vec<_>>();
            let text = Safe::fitted(typed, TEXT);
            let places = render::some(places.into_iter());
            Err(Trouble::ambiguous(format!("more than one item of {name} says {text}: give its place, {places}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::AuthorObject;

    fn named(name: &str, id: &str, standing: &str) -> ListObject {
        let creator = AuthorObject { key: "k".into(), name: "alice".into(), who: "#1".into(), trust: None, ours: true };
        ListObject {
            v: 1,
            kind: "list".into(),
            id: id.into(),
            name: name.into(),
            creator,
            standing: standing.into(),
            invited_by: None,
            items: 0,
            members: 1,
            open: false,
            by: None,
            change: None,
        }
    }

    #[test]
    fn a_name_is_never_guessed_and_the_one_we_take_part_in_goes_first() {
        let lists = [
            named("party", "ab12cd", "invited"),
            named("Party", "ab99", "joined"),
            named("food", "ff", "joined"),
            named("food", "fe", "joined"),
            named("old", "cc", "left"),
        ];
        let id = |typed: &str| list(&lists, typed).map(|list| list.id).map_err(|trouble| trouble.is_nobody());
        assert_eq!(id("party").as_deref(), Ok("ab99"));
        assert_eq!(id("party#ab12").as_deref(), Ok("ab12cd"));
        assert_eq!(id("ab12cd").as_deref(), Ok("ab12cd"));
        assert_eq!(id("#FE").as_deref(), Ok("fe"));
        assert_eq!(id("food"), Err(false));
        assert_eq!(id("food#f"), Err(false));
        for nobody in ["old", "x", "", "#", "party#00"] {
            assert_eq!(id(nobody), Err(true), "{nobody}");
        }
    }

    #[test]
    fn an_item_goes_by_its_place_its_id_or_a_text_that_stands_once() {
        let list = named("party", "ab", "joined");
        let item_of = |place: usize, text: &str| ItemObject {
            id: format!("{place:016x}"),
            place,
            text: text.into(),
            fields: Default::default(),
            by: list.creator.clone(),
        };
        let items = vec![item_of(1, "milk"), item_of(2, "1"), item_of(3, "milk"), item_of(4, "2001")];
        let whole = WholeListObject {
            v: 1,
            kind: "whole-list".into(),
            list: list.clone(),
            items,
            members: Vec::new(),
            refused: 0,
            rebuilt: 0,
        };
        let place = |typed: &str| item(&whole, typed).map(|item| item.place).map_err(|trouble| trouble.is_nobody());
        assert_eq!([place("1"), place("0000000000000003"), place("2001")], [Ok(1), Ok(3), Ok(4)]);
        assert_eq!(
            [place("milk"), place("bread"), place("5"), place("0")],
            [Err(false), Err(true), Err(true), Err(true)]
        );
    }
}
