//! protocol.md prints the same vectors.

use std::fs;
use std::path::Path;

use super::vectors::Vector;

/// The text of every block that is fenced with ```` ```lsnp ````.
fn printed() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut blocks: Vec<String> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_end() == "```lsnp" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim_end() != "```").collect();
            blocks.push(block.join("\n"));
        } else {
            assert!(!line.trim_start().starts_with("```lsnp"), "{line:?} opens a vector that would not be read");
        }
    }
    blocks
}

#[test]
fn every_vector_in_the_specification_is_a_file() {
    let vectors = Vector::all();
    let printed = printed();
    assert!(!printed.is_empty(), "protocol.md prints no vector");
    for block in printed {
        let shown = Vector::parse(&block);
        let Some(file) = vectors.iter().find(|vector| vector.name == shown.name) else {
            panic!("protocol.md prints {:?}, which is not in tests/vectors", shown.name);
        };
        assert_eq!(shown.text, file.text, "protocol.md and tests/vectors/{}.txt differ", shown.name);
    }
}

#[test]
fn every_vector_of_a_type_that_we_write_is_in_the_specification() {
    let printed = printed();
    for vector in Vector::all().iter().filter(|v| v.text.ends_with("=> same")) {
        assert!(
            printed.iter().any(|block| Vector::parse(block).name == vector.name),
            "protocol.md does not print {}",
            vector.name
        );
    }
}
