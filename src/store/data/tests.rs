use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::node::files::Scratch;

fn row(table: Channel, key: &str, value: Option<&str>) -> Row {
    Row { table, key: key.as_bytes().to_vec(), value: value.map(|value| value.as_bytes().into()) }
}

/// Keeps these, and returns when they are on the disk and the file is closed.
fn keep(folder: &Path, tickets: Vec<Vec<Row>>) -> Vec<bool> {
    let OpenedData { stock: Stock { keep, mut outcomes, .. }, notices } = open_data(folder).unwrap();
    assert_eq!(notices, Vec::<String>::new());
    for (ticket, rows) in (1..).zip(tickets) {
        keep.send((Ticket(ticket), rows)).unwrap();
    }
    drop(keep);
    let mut kept = Vec::new();
    while let Some(some) = outcomes.blocking_recv() {
        kept.extend(some);
    }
    assert!(kept.iter().zip(1..).all(|((ticket, _), number)| *ticket == Ticket(number)));
    kept.into_iter().map(|(_, kept)| kept).collect()
}

fn rows_in(folder: &Path) -> Vec<Row> {
    open_data(folder).unwrap().stock.rows
}

#[test]
fn rows_are_there_at_the_next_start_and_only_for_us() {
    let scratch = Scratch::new();
    assert_eq!(rows_in(&scratch.0), []);
    let first = vec![row(Channel::List, "b", Some("1")), row(Channel::List, "a", Some("1"))];
    let second = vec![row(Channel::List, "a", None), row(Channel::List, "b", Some("2"))];
    let third = vec![row(Channel::Board, "b", Some("\0")), row(Channel::Board, "none", None)];
    assert_eq!(keep(&scratch.0, vec![first, second, third]), [true; 3]);
    let wanted = [row(Channel::Board, "b", Some("\0")), row(Channel::List, "b", Some("2"))];
    assert_eq!(rows_in(&scratch.0), wanted);
    let mode = std::fs::metadata(scratch.0.join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn many_tickets_keep_their_order() {
    let scratch = Scratch::new();
    let tickets: Vec<Vec<Row>> =
        (0..1_000).map(|n| vec![row(Channel::List, &(n % 7).to_string(), Some(&n.to_string()))]).collect();
    assert_eq!(keep(&scratch.0, tickets), [true; 1_000]);
    let values: Vec<Row> = (994..1_001)
        .map(|n| row(Channel::List, &((n % 7).to_string()), Some(&(if n == 1_000 { 993 } else { n }).to_string())))
        .collect();
    let mut found = rows_in(&scratch.0);
    found.sort_by(|a, b| a.value.cmp(&b.value));
    let mut values = values;
    values.sort_by(|a, b| a.value.cmp(&b.value));
    assert_eq!(found.len(), values.len());
    assert!(found.iter().zip(&values).all(|(found, value)| found.value == value.value));
}

#[test]
fn a_broken_file_is_set_aside_and_a_newer_one_is_left_alone() {
    let scratch = Scratch::new();
    let file = scratch.0.join(FILE);
    keep(&scratch.0, vec![vec![row(Channel::List, "a", Some("1"))]]);
    std::fs::write(&file, [7; 8_192]).unwrap();
    let opened = open_data(&scratch.0).unwrap();
    assert_eq!(opened.stock.rows, []);
    assert!(opened.notices[0].contains("is broken") && opened.notices[0].contains(".broken-"), "{:?}", opened.notices);
    drop(opened);

    let db = Connection::open(&file).unwrap();
    db.pragma_update(None, "user_version", 2).unwrap();
    drop(db);
    assert!(matches!(open_data(&scratch.0), Err(OpenError::Newer { version: 2, .. })));
}

#[test]
fn what_cannot_be_written_is_said_once_and_does_not_take_others_with_it() {
    let scratch = Scratch::new();
    let OpenedData { stock: Stock { keep, mut outcomes, mut troubles, .. }, .. } = open_data(&scratch.0).unwrap();
    let other = Connection::open(scratch.0.join(FILE)).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER never BEFORE INSERT ON kept WHEN new.key = x'62' BEGIN SELECT raise(ABORT, 'x'); END;",
        )
        .unwrap();
    // Both rows of the second or none, whichever way the thread takes them.
    let second = vec![row(Channel::List, "c", Some("1")), row(Channel::List, "b", Some("1"))];
    keep.send((Ticket(1), vec![row(Channel::List, "a", Some("1"))])).unwrap();
    keep.send((Ticket(2), second)).unwrap();
    keep.send((Ticket(3), vec![row(Channel::List, "d", Some("1"))])).unwrap();
    drop(keep);
    let mut kept = Vec::new();
    while let Some(some) = outcomes.blocking_recv() {
        kept.extend(some);
    }
    assert_eq!(kept, [(Ticket(1), true), (Ticket(2), false), (Ticket(3), true)]);
    assert!(troubles.blocking_recv().unwrap().contains("cannot be written"));
    let keys: Vec<Vec<u8>> = rows_in(&scratch.0).into_iter().map(|row| row.key).collect();
    assert_eq!(keys, [b"a".to_vec(), b"d".to_vec()]);
}
